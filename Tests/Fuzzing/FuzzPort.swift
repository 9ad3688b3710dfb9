// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph
import Wire

/// What a fuzzed router's ports share with the fuzzer. Everything happens on one thread.
final class FuzzFeed: @unchecked Sendable {
    /// The packets of one batch: a whole frame.
    static let batch = 256
    /// Bytes: the MTU of the port for copies, with the Ethernet header and two tags.
    static let longestCopy = 1500 + 22

    let seed: UInt64
    /// Each packet lies in memory of its own, no byte larger, so that AddressSanitizer sees each access beside it.
    let isExact: Bool
    /// The batch that comes next; nil when none does.
    var next: UInt64?
    /// Comes in place of a batch that is made.
    var given: [[UInt8]] = []
    /// The frames that came last, when a bridge may send them on as they are.
    private var bridged: Set<[UInt8]>?
    /// What is wrong with a packet that the router sent.
    var complaint: String?
    /// Frames of the batch of which no copy was sent yet; nil when none are to be.
    var uncopied: [[UInt8]]?
    /// By the end of the peer's address, the discriminators of the router's BFD sessions.
    var discriminators: [UInt32: UInt32] = [:]

    private let mutator = PacketMutator()
    private let scratch = UnsafeMutableRawPointer.allocate(byteCount: 16384, alignment: 64)
    private var blocks: [UnsafeMutableRawPointer] = []

    init(seed: UInt64, isExact: Bool, isBridge: Bool = false) {
        self.seed = seed
        self.isExact = isExact
        bridged = isBridge ? [] : nil
    }

    var isBridge: Bool { bridged != nil }

    /// Whether a frame is one of those that came last, as it came.
    func isBridged(_ frame: Bytes) -> Bool { bridged?.contains([UInt8](frame)) ?? false }

    deinit {
        free()
        scratch.deallocate()
    }

    /// The frames of a batch, as they come in.
    func frames(_ number: UInt64, capacity: Int) -> [[UInt8]] {
        (0..<FuzzFeed.batch).map { position in
            let count = make(number, position, into: scratch, capacity)
            return [UInt8](UnsafeRawBufferPointer(start: scratch, count: count))
        }
    }

    fileprivate func fill(_ frame: Frame, _ context: Context, _ interface: InterfaceIndex, capacity: Int) {
        let wanted = given.isEmpty ? FuzzFeed.batch : min(given.count, FuzzFeed.batch)
        let taken = context.allocate(wanted, into: frame)
        free()
        bridged?.removeAll(keepingCapacity: true)
        var bytes = 0
        for position in 0..<taken {
            let packet = context.packet(frame[position])
            bytes += isExact ? placeExactly(packet, position, capacity) : place(packet, position, capacity)
            // What is shorter than its own header is no frame, and what is longer than the port takes is not copied.
            if (EthernetView.length...FuzzFeed.longestCopy).contains(packet.length) {
                uncopied?.append([UInt8](packet.bytes))
            }
            packet.header.rxInterface = interface
            bridged?.insert([UInt8](packet.bytes))
        }
        given.removeFirst(given.isEmpty ? 0 : taken)
        next = nil
        context.countReceived(packets: taken, bytes: bytes, interface: interface)
    }

    /// What is wrong with the copy of a frame; the copies come in the order of the frames.
    func complaint(aboutCopy bytes: Bytes) -> String? {
        guard let frame = uncopied?.first else { return "sent a copy of nothing" }
        uncopied?.removeFirst()
        if [UInt8](bytes) == frame { return nil }
        return "sent a copy that differs from its frame:\n\(PacketDescription(bytes).listing)"
    }

    private func place(_ packet: Packet, _ position: Int, _ capacity: Int) -> Int {
        let count = make(next ?? 0, position, into: packet.header.data, capacity)
        answer(packet.header.data, count)
        packet.truncate(to: count)
        return count
    }

    /// Buffers get their memory in the pool back when they are taken anew.
    private func placeExactly(_ packet: Packet, _ position: Int, _ capacity: Int) -> Int {
        let count = make(next ?? 0, position, into: scratch, capacity)
        answer(scratch, count)
        // What comes before the packet is there to put headers into; a packet ends where its memory does.
        guard let block = malloc(BufferPool.headroom + count) else { return 0 }
        let start = block + BufferPool.headroom
        start.copyMemory(from: scratch, byteCount: count)
        blocks.append(block)
        packet.header.data = start
        packet.header.start = start
        packet.truncate(to: count)
        return count
    }

    private func make(_ number: UInt64, _ position: Int, into memory: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
        if position < given.count {
            memory.copyMemory(from: given[position], byteCount: min(given[position].count, capacity))
            return min(given[position].count, capacity)
        }
        var random = FuzzRandom(seed: seed, number: number &* UInt64(FuzzFeed.batch) &+ UInt64(position))
        return mutator.make(into: memory, capacity: capacity, &random)
    }

    private func free() {
        for block in blocks { Glibc.free(block) }
        blocks.removeAll(keepingCapacity: true)
    }
}

/// Brings the interface type `fuzz`. The first such port is where packets come in; all check what they send.
@ControlPlane
final class FuzzPorts: Module {
    nonisolated static let name = "fuzz-ports"
    /// The port that sends copies of what comes in, if there is one of this name.
    private nonisolated static let copies = "copies"

    /// Set before the interfaces are created.
    var feed: FuzzFeed?

    init() {}

    func register(in registry: Registry) {
        let engine = registry.engine
        let keys: [Schema.Key] = [
            .required("mac", .string, "Own Ethernet address"),
            .key("mtu", .integer(68...65535), "Longest network-layer packet, bytes"),
        ]
        registry.add(
            InterfaceDriver("fuzz", "Hostile packets", keys: keys) {
                [unowned self] (name, setting) throws(ConfigurationErrors) in
                let (mac, mtu) = try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
                    let mac = try setting.required("mac").value("a MAC address", example: "02:00:00:00:00:01") {
                        MACAddress($0)
                    }
                    return (mac, try setting["mtu"]?.integer(in: 68...65535) ?? 1500)
                }
                return { [unowned self] in create(name, mac, mtu, engine) }
            })
    }

    private func create(_ name: String, _ mac: MACAddress, _ mtu: Int, _ engine: Engine) -> Interface {
        let interface = engine.createInterface(name, kind: "fuzz")
        interface.mac = mac.littleEndianValue
        interface.mtu = mtu
        guard let feed else { preconditionFailure("a fuzzed router has a feed") }
        let (index, isFirst, capacity) = (interface.index, interface.index == 1, engine.pool.capacity)
        engine.add(
            NodeDescriptor(input: FuzzInput.self, name: "\(name)-rx") { seat in
                FuzzInput(feed: seat.worker == 0 && isFirst ? feed : nil, interface: index, capacity: capacity)
            })
        let check = SentPacketCheck(mac: mac, mtu: mtu, isEntrance: isFirst || feed.isBridge)
        engine.attach(
            interface,
            output: NodeDescriptor(output: FuzzOutput.self, name: "\(name)-tx") { _ in
                FuzzOutput(check: check, feed: feed, isForCopies: name == FuzzPorts.copies)
            })
        interface.isLinkUp = true
        return interface
    }
}

struct FuzzInput: InputNode {
    static let name = "fuzz-rx"

    enum Next: UInt16, NextNode {
        case ethernet

        var node: String { "ethernet-input" }
    }

    let feed: FuzzFeed?
    let interface: InterfaceIndex
    let capacity: Int

    var isFinished: Bool { feed?.next == nil }

    mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        guard let feed, feed.next != nil else { return false }
        feed.fill(frame, context, interface, capacity: capacity)
        return frame.count > 0
    }
}

struct FuzzOutput: OutputNode {
    static let name = "fuzz-tx"

    let check: SentPacketCheck
    let feed: FuzzFeed
    let isForCopies: Bool

    mutating func process(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            let bytes = context.packet(frame[position]).bytes
            context.decide(position, Verdict<NoNext, NoReason>.kept)
            if isForCopies {
                if let complaint = feed.complaint(aboutCopy: bytes), feed.complaint == nil {
                    feed.complaint = complaint
                }
                continue
            }
            feed.learn(bytes)
            if !feed.isBridged(bytes), let complaint = check.complaint(about: bytes), feed.complaint == nil {
                feed.complaint = "sent a packet with \(complaint):\n\(PacketDescription(bytes).listing)"
            }
        }
        context.free(frame.indices, count: frame.count)
    }

    mutating func flush(_ context: Context) -> Bool { true }
}
