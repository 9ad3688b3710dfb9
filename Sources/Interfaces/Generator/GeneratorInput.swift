// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Graph
import Wire

/// Replays packets from memory, copied into fresh buffers, in a loop or a number of times, at full speed or at a rate.
///
/// Summary: the source of benchmarks and of traffic without a device.
/// Emits: frames as a device would deliver them.
/// Config: `interfaces.NAME` with `type: generator`.
public struct GeneratorInput: InputNode {
    public static let name = "generator-input"

    public enum Next: UInt16, NextNode {
        case ethernet

        public var node: String { "ethernet-input" }
    }

    /// Waits shorter than this, in nanoseconds, are not worth a sleep.
    private static let shortestSleep: UInt64 = 20_000

    /// Owns the memory that `bytes` and `entries` point into.
    private let source: PacketSource
    private let bytes: UnsafeMutableRawPointer
    private let entries: UnsafeMutablePointer<PacketSource.Entry>
    private let interface: InterfaceIndex
    /// The slice of the source that this instance replays.
    private let first: Int
    private let end: Int
    private var next: Int
    /// How many packets are still to be sent; nil for no end.
    private var remaining: Int?
    private var pace: Pace?
    private let timer: WakeTimer?

    /// - Parameters:
    ///   - source: Its longest packet fits in a buffer.
    ///   - limit: Packets to send in all; nil goes on for ever.
    ///   - rate: Packets per second; nil sends as fast as the graph takes them.
    public init(_ source: PacketSource, interface: InterfaceIndex, limit: Int? = nil, rate: UInt64? = nil) {
        self.init(source, 0..<source.count, interface: interface, limit: limit, rate: rate.map { Double($0) })
    }

    /// - Parameter slice: The packets to replay; an empty one is finished from the start.
    init(_ source: PacketSource, _ slice: Range<Int>, interface: InterfaceIndex, limit: Int?, rate: Double?) {
        self.source = source
        self.interface = interface
        bytes = source.memory
        entries = source.entries
        first = slice.lowerBound
        end = slice.upperBound
        next = first
        remaining = slice.isEmpty ? 0 : limit
        pace = rate.map { Pace(packetsPerSecond: $0) }
        timer = rate.map { _ in WakeTimer() }
    }

    public var isFinished: Bool { remaining == 0 }

    public var descriptors: [Int32] { timer.map { [$0.descriptor] } ?? [] }

    public mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        var wanted = min(Frame.capacity, remaining ?? Frame.capacity)
        if pace != nil { wanted = pace!.allowance(context.now, upTo: wanted) }
        guard wanted > 0 else { return false }
        let count = context.allocate(wanted, into: frame)
        let total = copy(count, into: frame, context)
        context.countReceived(packets: count, bytes: total, interface: interface)
        if let left = remaining { remaining = left &- count }
        if pace != nil { pace!.spend(count) }
        return count > 0
    }

    /// Sleeps when the next packet is some time away; a timer wakes the worker for it.
    public mutating func prepareToSleep() -> Bool {
        guard remaining != 0 else {
            timer?.clear()
            return true
        }
        guard let pace, let timer else { return false }
        let wait = pace.nanosecondsUntilNext(Clock.now)
        return wait >= GeneratorInput.shortestSleep && timer.set(nanoseconds: wait)
    }

    /// Copies the next `count` packets into the frame's buffers and returns their bytes.
    private mutating func copy(_ count: Int, into frame: Frame, _ context: Context) -> Int {
        let indices = frame.indices
        let (bytes, entries, interface, first, end) = (bytes, entries, interface, first, end)
        var next = next
        var total = 0
        for position in 0..<count {
            let packet = context.packet(indices[position])
            let entry = entries[next]
            next = next &+ 1 == end ? first : next &+ 1
            let start = bytes + Int(entry.line) &* PacketSource.lineSize
            GeneratorInput.copyLines(from: start, to: packet.header.data, length: Int(entry.length))
            packet.header.length = entry.length
            packet.header.rxInterface = interface
            total &+= Int(entry.length)
        }
        self.next = next
        return total
    }

    /// Copies whole cache lines, of which both sides have enough: a fresh buffer's data starts on one, and its room is a
    /// multiple. Short packets are spared the call of memcpy, which costs more than the copy.
    @inline(__always)
    private static func copyLines(
        from source: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer, length: Int
    ) {
        guard length <= 256 else {
            target.copyMemory(from: source, byteCount: length)
            return
        }
        var offset = 0
        repeat {
            let line = (source + offset).assumingMemoryBound(to: SIMD64<UInt8>.self).pointee
            (target + offset).assumingMemoryBound(to: SIMD64<UInt8>.self).pointee = line
            offset &+= PacketSource.lineSize
        } while offset < length
    }
}
