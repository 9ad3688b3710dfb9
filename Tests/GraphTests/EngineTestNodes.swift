// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Wire

@testable import Graph

/// A packet for a test's graph: its first byte says what `Sorter` does with it.
struct TestPacket: Sendable {
    var bytes: [UInt8]
    var rxInterface: InterfaceIndex = 1
    var txInterface: InterfaceIndex = 1

    init(_ bytes: [UInt8], from rxInterface: InterfaceIndex = 1, to txInterface: InterfaceIndex = 1) {
        self.bytes = bytes
        self.rxInterface = rxInterface
        self.txInterface = txInterface
    }

    /// 60 bytes: the kind, then a number to know it by.
    init(_ kind: UInt8, number: UInt32 = 0, from rxInterface: InterfaceIndex = 1, to txInterface: InterfaceIndex = 1) {
        var bytes = [kind, UInt8(truncatingIfNeeded: number >> 16), UInt8(truncatingIfNeeded: number >> 8)]
        bytes.append(UInt8(truncatingIfNeeded: number))
        self.init(bytes + [UInt8](repeating: 0xa5, count: 56), from: rxInterface, to: txInterface)
    }

    static func number(_ bytes: [UInt8]) -> UInt32 { bytes[1...3].reduce(0) { $0 << 8 | UInt32($1) } }
}

/// Packets on their way to a test's input node; it can be slept on.
final class Feed: Sendable {
    private let waiting = Mutex<[TestPacket]>([])
    let worker: Int
    /// Readable while packets wait.
    let descriptor: Int32
    private let writer: Int32

    init(worker: Int = 0) {
        self.worker = worker
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        (descriptor, writer) = (ends[0], ends[1])
    }

    deinit {
        close(descriptor)
        close(writer)
    }

    func send(_ packets: [TestPacket]) {
        waiting.withLock { $0 += packets }
        var byte: UInt8 = 1
        write(writer, &byte, 1)
    }

    func take(_ limit: Int) -> [TestPacket] {
        let packets = waiting.withLock { waiting in
            defer { waiting.removeFirst(min(limit, waiting.count)) }
            return Array(waiting.prefix(limit))
        }
        if packets.isEmpty {
            var bytes: [UInt8] = Array(repeating: 0, count: 64)
            while read(descriptor, &bytes, bytes.count) > 0 {}
        }
        return packets
    }

    var isEmpty: Bool { waiting.withLock { $0.isEmpty } }
}

/// Brings a feed's packets in.
struct FeedInput: InputNode {
    static let name = "feed-input"

    enum Next: UInt16, NextNode {
        case packets
        var node: String { "sorter" }
    }

    let feed: Feed
    let isMine: Bool

    init(_ feed: Feed, _ seat: Seat) {
        self.feed = feed
        isMine = seat.worker == feed.worker
    }

    mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        guard isMine else { return false }
        let packets = feed.take(Frame.capacity)
        for packet in packets.prefix(context.allocate(packets.count, into: frame)).enumerated() {
            let buffer = context.packet(frame[packet.offset])
            packet.element.bytes.withUnsafeBytes {
                buffer.header.data.copyMemory(from: $0.baseAddress!, byteCount: $0.count)
            }
            buffer.header.length = UInt32(packet.element.bytes.count)
            buffer.header.rxInterface = packet.element.rxInterface
            buffer.header.txInterface = packet.element.txInterface
            context.countReceived(
                packets: 1, bytes: packet.element.bytes.count, interface: packet.element.rxInterface)
        }
        return frame.count > 0
    }

    var descriptors: [Int32] { isMine ? [feed.descriptor] : [] }
    mutating func prepareToSleep() -> Bool { !isMine || feed.isEmpty }
    var isFinished: Bool { !isMine || feed.isEmpty }
}

/// Sends a packet on by its first byte: 0 and 1 to a sink each, 2 and 3 are dropped for a reason each, and what is left goes
/// to `interface-output`.
struct Sorter: Node {
    static let name = "sorter"

    enum Next: UInt16, NextNode {
        case even, odd, output

        var node: String {
            switch self {
            case .even: "even-sink"
            case .odd: "odd-sink"
            case .output: "interface-output"
            }
        }
    }

    enum Reason: UInt16, DropReason {
        case badLuck, wrongKind

        var text: String {
            switch self {
            case .badLuck: "it was a two"
            case .wrongKind: "it was a three"
            }
        }
    }

    struct Trace: TraceRecord {
        var kind: UInt8 = 0
        init() {}
        var description: String { "kind \(kind)" }
    }

    mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        trace.kind = packet.bytes.load(at: 0, as: UInt8.self)
        switch trace.kind {
        case 0: return .to(.even)
        case 1: return .to(.odd)
        case 2: return .drop(.badLuck)
        case 3: return .drop(.wrongKind)
        default: return .to(.output)
        }
    }
}

/// Remembers what came to a sink, in order.
final class Catch: Sendable {
    private let packets = Mutex<[[UInt8]]>([])

    func add(_ bytes: [UInt8]) { packets.withLock { $0.append(bytes) } }
    var all: [[UInt8]] { packets.withLock { $0 } }
    var numbers: [UInt32] { all.map(TestPacket.number) }
}

/// Takes packets out of the graph.
struct Sink: OutputNode {
    static let name = "sink"
    let caught: Catch

    mutating func process(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            let bytes = context.packet(frame[position]).bytes
            caught.add([UInt8](UnsafeRawBufferPointer(start: bytes.start, count: bytes.count)))
            context.decide(position, Verdict<NoNext, NoReason>.kept)
        }
        context.free(frame.indices, count: frame.count)
    }

    mutating func flush(_ context: Context) -> Bool { true }
}

/// An engine whose graph is: feed-input, sorter, two sinks, and interfaces with a sink each.
@ControlPlane
struct TestRouter {
    let engine: Engine
    let feed = Feed()
    let even = Catch()
    let odd = Catch()
    private(set) var sent: [Catch] = []

    init(_ options: Engine.Options = Engine.Options(), interfaces: [String] = ["one", "two"]) throws {
        engine = try Engine(options)
        let (feed, even, odd) = (feed, even, odd)
        engine.add(NodeDescriptor(input: FeedInput.self) { FeedInput(feed, $0) })
        engine.add(NodeDescriptor(Sorter.self) { _ in Sorter() })
        engine.add(NodeDescriptor(output: Sink.self, name: "even-sink") { _ in Sink(caught: even) })
        engine.add(NodeDescriptor(output: Sink.self, name: "odd-sink") { _ in Sink(caught: odd) })
        for name in interfaces {
            let caught = Catch()
            sent.append(caught)
            let interface = engine.createInterface(name, kind: "test")
            engine.attach(
                interface, output: NodeDescriptor(output: Sink.self, name: "\(name)-tx") { _ in Sink(caught: caught) })
            interface.isLinkUp = true
        }
    }

    /// Has the packets go through the graph, on this thread.
    func pass(_ packets: [TestPacket]) {
        feed.send(packets)
        engine.runToEnd()
    }

    /// What was counted of a node, over all workers.
    func counters(of node: String) -> NodeCounters {
        engine.nodeSamples().filter { $0.node == node }.map(\.counters).reduce(NodeCounters(), +)
    }
}

/// Waits until `condition` holds, at most ten seconds, without holding up the control side.
@ControlPlane
func eventually(_ condition: @ControlPlane () -> Bool) async throws -> Bool {
    for _ in 0..<10_000 {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(1))
    }
    return condition()
}
