// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph

/// `show trace`: each packet's way, node by node.
struct TraceReport: Report {
    struct Step: Encodable, Sendable {
        let node: String
        /// Since the packet was first seen.
        let offsetNanoseconds: Int
        let text: String
        let arc: String?
        /// The node that the arc leads to.
        let next: String?
        let dropReason: String?
        let lengthBytes: Int
    }

    struct Packet: Encodable, Sendable {
        let number: Int
        let worker: Int
        let interface: String?
        /// When it was first seen: seconds since 1970.
        let time: Double
        let steps: [Step]
    }

    let packets: [Packet]
    /// Records for which there was no room.
    let lostRecords: Int

    init(_ trace: TraceSnapshot) {
        let (now, time) = (Clock.now, TraceReport.secondsSince1970)
        packets = trace.packets.enumerated().map { index, packet in
            let first = packet.steps.first?.clock ?? now
            return Packet(
                number: index + 1, worker: packet.worker, interface: packet.interface,
                time: time - (now > first ? Clock.seconds(now - first) : 0),
                steps: packet.steps.map { step in
                    Step(
                        node: step.node,
                        offsetNanoseconds: step.clock > first ? Int(Clock.seconds(step.clock - first) * 1e9) : 0,
                        text: step.text, arc: step.arc, next: step.next, dropReason: step.dropReason,
                        lengthBytes: step.length)
                })
        }
        lostRecords = trace.lost
    }

    var body: [TextBlock] {
        if packets.isEmpty { return [.line("no packet was traced; 'trace add NODE COUNT' traces some")] }
        var blocks: [TextBlock] = []
        for packet in packets {
            let interface = packet.interface.map { ", from \($0)" } ?? ""
            let time = TraceReport.timeOfDay(packet.time)
            blocks.append(.heading("Packet \(packet.number), \(time), worker \(packet.worker)\(interface)"))
            blocks.append(.lines(packet.steps.map(line) + ending(packet.steps)))
        }
        if lostRecords > 0 {
            blocks.append(.lines(["", "\(lostRecords) records found no room: 'clear trace' makes some"]))
        }
        return blocks
    }

    private func line(_ step: Step) -> String {
        let offset = (Double(step.offsetNanoseconds) / 1000).fixed(1)
        let padding = String(repeating: " ", count: max(0, 8 - offset.count))
        let drop = step.dropReason.map { "drops it: \($0)" } ?? ""
        let words = [step.text, drop].filter { !$0.isEmpty }.joined(separator: "; ")
        return "\(padding)\(offset) us  \(step.node)" + (words.isEmpty ? "" : ": \(words)")
    }

    /// Transmit nodes write nothing into the trace: where the packet went is said by who sent it there.
    private func ending(_ steps: [Step]) -> [String] { (steps.last?.next).map { ["             \($0)"] } ?? [] }

    private static var secondsSince1970: Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Local time with microseconds: "14:03:07.123456".
    private static func timeOfDay(_ seconds: Double) -> String {
        var whole = time_t(seconds)
        var parts = tm()
        localtime_r(&whole, &parts)
        func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let fraction = (seconds - Double(whole)).fixed(6).dropFirst()
        return "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))\(fraction)"
    }
}

/// `show trace --paths`: the different ways that packets took.
struct TracePathReport: Report {
    struct Path: Encodable, Sendable {
        let count: Int
        let nodes: [String]
        /// "ip4-lookup no-route", for packets that were dropped.
        let drop: String?
    }

    /// The most common first.
    let paths: [Path]
    let lostRecords: Int

    init(_ trace: TraceSnapshot) {
        struct Key: Hashable {
            let nodes: [String]
            let drop: String?
        }
        var counts: [Key: Int] = [:]
        for packet in trace.packets {
            let dropped = packet.steps.last { $0.dropReason != nil }
            let drop = dropped.map { "\($0.node) \($0.dropReason ?? "")" }
            let end = (packet.steps.last?.next).map { [$0] } ?? []
            counts[Key(nodes: packet.steps.map(\.node) + end, drop: drop), default: 0] += 1
        }
        paths = counts.map { Path(count: $1, nodes: $0.nodes, drop: $0.drop) }.sorted {
            ($1.count, $0.nodes.joined()) < ($0.count, $1.nodes.joined())
        }
        lostRecords = trace.lost
    }

    var body: [TextBlock] {
        if paths.isEmpty { return [.line("no packet was traced; 'trace add NODE COUNT' traces some")] }
        return [
            .table(
                [.right("Packets"), "Path"],
                paths.map { path in
                    ["\(path.count)", path.nodes.joined(separator: " > ") + (path.drop.map { " (\($0))" } ?? "")]
                })
        ]
    }
}
