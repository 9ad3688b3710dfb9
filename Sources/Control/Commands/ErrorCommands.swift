// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show errors`, `clear errors`, `show drops`.
enum ErrorCommands {
    @ControlPlane
    static func all(_ engine: Engine) -> [Command] {
        [
            Command(
                ["show", "errors"], "How many packets were dropped, by node and reason",
                [StandardCommands.workerOption(engine)]
            ) { arguments in
                ErrorReport(engine.dropSamples(), worker: try StandardCommands.worker(arguments, engine))
            },
            Command(["clear", "errors"], "Start the counts of dropped packets anew") { _ in
                engine.clearErrors()
                return Notice("error counters cleared")
            },
            Command(
                ["show", "drops"], "The packets that were dropped last, the newest first",
                [.argument("count", "How many; 20 without")]
            ) { arguments in
                DropReport(engine.lastDrops().prefix(try arguments.integer("count", in: 1...1_000_000) ?? 20))
            },
        ]
    }
}

struct ErrorReport: Report {
    struct Entry: Encodable, Sendable {
        var count: UInt64
        let node: String
        let reason: String
        let text: String
    }

    /// Summed over the workers, in the order of the nodes.
    let errors: [Entry]

    init(_ samples: [DropSample], worker: Int?) {
        var errors: [Entry] = []
        var places: [String: Int] = [:]
        for sample in samples where worker == nil || worker == sample.worker {
            let key = "\(sample.node)/\(sample.reason)"
            if let place = places[key] {
                errors[place].count &+= sample.count
            } else {
                places[key] = errors.count
                errors.append(Entry(count: sample.count, node: sample.node, reason: sample.reason, text: sample.text))
            }
        }
        self.errors = errors
    }

    var body: [TextBlock] {
        if errors.isEmpty { return [.line("no packet was dropped")] }
        return [
            .table(
                [.right("Count"), "Node", "Reason", "Meaning"],
                errors.map { ["\($0.count)", $0.node, $0.reason, $0.text] })
        ]
    }
}

struct DropReport: Report {
    struct Entry: Encodable, Sendable {
        let ageSeconds: Double
        let worker: Int
        let interface: String?
        let node: String
        let reason: String
        let lengthBytes: Int
        /// In words.
        let packet: String
    }

    let drops: [Entry]

    init(_ drops: some Sequence<LastDrop>) {
        let now = Clock.now
        self.drops = drops.map { drop in
            let description = PacketDescription(dropped: drop.bytes, length: drop.length)
            return Entry(
                ageSeconds: now > drop.clock ? Clock.seconds(now - drop.clock) : 0, worker: drop.worker,
                interface: drop.interface, node: drop.node, reason: drop.reason, lengthBytes: drop.length,
                packet: description.line)
        }
    }

    var body: [TextBlock] {
        if drops.isEmpty { return [.line("no packet was dropped")] }
        let rows = drops.map { drop in
            [
                Figure.duration(drop.ageSeconds), drop.interface ?? "-", drop.node, drop.reason, "\(drop.lengthBytes)",
                drop.packet,
            ]
        }
        return [.table([.right("Ago"), "Interface", "Node", "Reason", .right("Bytes"), "Packet"], rows)]
    }
}
