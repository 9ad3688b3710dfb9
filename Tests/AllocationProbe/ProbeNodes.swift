// SPDX-License-Identifier: Apache-2.0
import CAllocationCounter
import Graph
import Synchronization

/// What a worker's thread did in one stretch of dispatch loops.
struct Stretch: Encodable, Sendable {
    var packets: UInt64 = 0
    var allocations: UInt64 = 0
    var retains: UInt64 = 0
    var releases: UInt64 = 0
}

/// Where the probe's input keeps its books: written by the worker, read when it is done.
final class Tally: @unchecked Sendable {
    struct Books {
        var loops = 0
        /// One packet in each loop, then a full frame in each.
        var single = Stretch()
        var full = Stretch()
    }

    /// Loops before anything is counted, and in each stretch.
    static let warmUp = 4096
    static let stretch = 4096

    let books: UnsafeMutablePointer<Books>
    let isDone = Atomic(false)

    init() {
        books = .allocate(capacity: 1)
        books.initialize(to: Books())
    }

    deinit { books.deallocate() }
}

/// Frames to send, one behind the other, each in a place of 2,048 bytes.
struct Frames: @unchecked Sendable {
    static let place = 2048
    let memory: UnsafeMutableRawPointer
    let lengths: UnsafeMutablePointer<UInt32>
    let count: Int

    /// Lives as long as the program.
    init(_ frames: [[UInt8]]) {
        count = frames.count
        memory = .allocate(byteCount: frames.count * Frames.place, alignment: 64)
        lengths = .allocate(capacity: frames.count)
        for (index, frame) in frames.enumerated() {
            (memory + index * Frames.place).copyMemory(from: frame, byteCount: frame.count)
            lengths[index] = UInt32(frame.count)
        }
    }
}

/// Brings the frames in, over and over, and reads at each call what its thread did since the last: one dispatch loop.
struct ProbeInput: InputNode {
    static let name = "probe-rx"

    enum Next: UInt16, NextNode {
        case packets
        var node: String { "ethernet-input" }
    }

    private let tally: Tally
    private let books: UnsafeMutablePointer<Tally.Books>
    private let frames: Frames
    private let interface: InterfaceIndex
    private var next = 0
    private var begin = CAllocationCounter_counts()

    init(_ tally: Tally, _ frames: Frames, interface: InterfaceIndex) {
        self.tally = tally
        books = tally.books
        self.frames = frames
        self.interface = interface
    }

    mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        let loop = books.pointee.loops
        let (single, full, end) = (Tally.warmUp, Tally.warmUp + Tally.stretch, Tally.warmUp + 2 * Tally.stretch)
        guard loop <= end else { return false }
        books.pointee.loops = loop + 1
        if loop == full { close(&books.pointee.single) }
        if loop == end { close(&books.pointee.full) }
        begin = loop == single || loop == full ? CAllocationCounter_thisThread() : begin
        guard loop < end else {
            tally.isDone.store(true, ordering: .releasing)
            return false
        }
        // The first loops do both in turn, so that everything that is made once has been made.
        let count = context.allocate(loop < single ? 1 + loop % 256 : loop < full ? 1 : 256, into: frame)
        fill(frame, count, context)
        if loop >= single, loop < full { books.pointee.single.packets += UInt64(count) }
        if loop >= full { books.pointee.full.packets += UInt64(count) }
        return count > 0
    }

    private mutating func fill(_ frame: Frame, _ count: Int, _ context: Context) {
        for position in 0..<count {
            let packet = context.packet(frame[position])
            let length = frames.lengths[next]
            packet.header.data.copyMemory(from: frames.memory + next * Frames.place, byteCount: Int(length))
            packet.header.length = length
            packet.header.rxInterface = interface
            next = next + 1 == frames.count ? 0 : next + 1
        }
    }

    private func close(_ stretch: inout Stretch) {
        let now = CAllocationCounter_thisThread()
        stretch.allocations = now.allocations &- begin.allocations
        stretch.retains = now.retains &- begin.retains
        stretch.releases = now.releases &- begin.releases
    }

    mutating func prepareToSleep() -> Bool { tally.isDone.load(ordering: .relaxed) }
}

/// Takes every packet.
struct ProbeOutput: OutputNode {
    static let name = "probe-tx"

    mutating func process(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count { context.decide(position, Verdict<NoNext, NoReason>.kept) }
        context.free(frame.indices, count: frame.count)
    }

    mutating func flush(_ context: Context) -> Bool { true }
}

/// A feature that lets every packet pass.
struct OpenGate: Node {
    static let name = "open-gate"

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<NoNext, NoReason> { .nextFeature }
}

/// Does for each packet what no node may do, so that it can be seen that this would be seen.
struct Careless: Node {
    static let name = "careless"

    enum Next: UInt16, NextNode {
        case output
        var node: String { "probe-tx" }
    }

    final class Thing: Sendable {}
    private let things = (Thing(), Thing())
    private var held: Thing?

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<Next, NoReason> {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: packet.length, alignment: 1)
        memory.copyMemory(from: packet.header.data, byteCount: packet.length)
        memory.deallocate()
        held = held === things.0 ? things.1 : things.0
        return .to(.output)
    }
}
