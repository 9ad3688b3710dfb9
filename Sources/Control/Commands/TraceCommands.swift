// SPDX-License-Identifier: Apache-2.0
import Graph

/// `trace add`, `show trace`, `clear trace`.
enum TraceCommands {
    @ControlPlane
    static func all(_ engine: Engine) -> [Command] {
        [
            Command(
                ["trace", "add"], "Trace the next packets that come to a node",
                [
                    .argument("node", "Where the trace begins", required: true, completing: { engine.nodeNames }),
                    .argument("count", "Packets per worker, added to what is still to come", required: true),
                    .option(
                        "filter", "Only packets that match, in tcpdump's language; for every node until the next add"),
                ]
            ) { arguments in
                try await add(engine, arguments)
            },
            Command(
                ["show", "trace"], "What each node did with the traced packets",
                [
                    .option("max", "Packets per worker; 50 without"),
                    .flag("paths", "Only the different ways through the graph, with how many packets took each"),
                ]
            ) { arguments in
                let limit = try arguments.integer("max", in: 1...1_000_000)
                if arguments.has(flag: "paths") { return TracePathReport(await engine.traces(limit: limit ?? .max)) }
                return TraceReport(await engine.traces(limit: limit ?? 50))
            },
            Command(["clear", "trace"], "Forget the trace and stop tracing") { _ in
                await engine.clearTrace()
                return Notice("trace cleared")
            },
        ]
    }

    @ControlPlane
    private static func add(_ engine: Engine, _ arguments: CommandArguments) async throws -> Notice {
        let node = try arguments.required("node")
        guard engine.hasNode(node) else { throw CommandError.unknown("node", node, among: engine.nodeNames) }
        guard let count = try arguments.integer("count", in: 1...1_000_000) else {
            throw CommandError.usage("'count' is missing")
        }
        var filter: PacketFilter?
        if let expression = arguments["filter"] {
            do {
                filter = try PacketFilter(expression)
            } catch {
                throw CommandError.usage("\(error)")
            }
        }
        try await engine.addTrace(at: node, count: count, filter: filter)
        let packets = count == 1 ? "the next packet" : "the next \(count) packets"
        let workers = engine.workers.count == 1 ? "" : " on each worker"
        let matching = filter.map { " matching '\($0.expression)'" } ?? ""
        return Notice("tracing \(packets)\(matching) at \(node)\(workers); see 'show trace'")
    }
}
