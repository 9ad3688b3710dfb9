// SPDX-License-Identifier: Apache-2.0
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

    private let source: PacketSource
    private let interface: InterfaceIndex
    private var next: Int
    /// How many packets are still to be sent; nil for no end.
    private var remaining: Int?
    private var pace: Pace?

    /// - Parameters:
    ///   - limit: Packets to send in all; nil goes on for ever.
    ///   - rate: Packets per second; nil sends as fast as the graph takes them.
    public init(_ source: PacketSource, interface: InterfaceIndex, limit: Int? = nil, rate: UInt64? = nil) {
        self.source = source
        self.interface = interface
        next = 0
        remaining = limit
        pace = rate.map { Pace(packetsPerSecond: $0) }
    }

    public var isFinished: Bool { remaining == 0 }

    public mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        var wanted = min(Frame.capacity, remaining ?? Frame.capacity)
        if pace != nil { wanted = pace!.allowance(context.now, upTo: wanted) }
        guard wanted > 0 else { return false }
        let count = context.allocate(wanted, into: frame)
        var bytes = 0
        for position in 0..<count {
            let packet = context.packet(frame[position])
            let entry = source.entries[next]
            next = next &+ 1 == source.count ? 0 : next &+ 1
            packet.header.data.copyMemory(from: source.memory + Int(entry.offset), byteCount: Int(entry.length))
            packet.header.length = entry.length
            packet.header.rxInterface = interface
            bytes &+= Int(entry.length)
        }
        context.countReceived(packets: count, bytes: bytes, interface: interface)
        if let left = remaining { remaining = left &- count }
        return count > 0
    }

    public mutating func prepareToSleep() -> Bool { remaining == 0 }
}

/// Spreads packets evenly over time.
struct Pace {
    private let ticksPerPacket: Double
    private var start: UInt64 = 0
    private var sent: Double = 0

    init(packetsPerSecond: UInt64) { ticksPerPacket = Clock.frequency / Double(max(1, packetsPerSecond)) }

    /// How many packets may leave at `now`.
    mutating func allowance(_ now: UInt64, upTo limit: Int) -> Int {
        if start == 0 { start = now }
        let due = Double(now &- start) / ticksPerPacket - sent
        // Far behind, after a stall: do not catch up with a burst.
        if due > 4 * Double(Frame.capacity) { sent += due - Double(Frame.capacity) }
        let count = min(limit, max(0, Int(due)))
        sent += Double(count)
        return count
    }
}
