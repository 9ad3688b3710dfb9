// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// The operator's commands about IPv4.
extension IPModule {
    private static let defaultLimit = 1000

    var commands: [Command] { [showFIB, showAdjacency, routeAdd, routeDelete] }

    // MARK: - show

    private var showFIB: Command {
        Command(
            ["show", "fib"], "IPv4 routes, or the one that an address takes",
            [
                .argument("destination", "An address, or a prefix with all its sources"),
                .option("limit", "How many routes to show; \(IPModule.defaultLimit) if absent"),
            ]
        ) { [unowned self] arguments in
            let limit = try arguments.integer("limit", in: 1...100_000_000) ?? IPModule.defaultLimit
            guard let text = arguments["destination"] else {
                let rib = fib.main.ip4
                return RouteReport(routes: rib.entries(limit: limit).map { row($0, inForce: true) }, total: rib.count)
            }
            let entries = try entries(for: text)
            return RouteReport(routes: entries.enumerated().map { row($1, inForce: $0 == 0) }, total: entries.count)
        }
    }

    private func entries(for text: String) throws(CommandError) -> [RIB<IPv4Prefix>.Entry] {
        if let address = IPv4Address(text) {
            guard let entry = fib.main.ip4.longestMatch(address) else {
                throw .notFound("there is no route to \(address)")
            }
            return [entry]
        }
        let prefix = try IPModule.destination(text)
        let entries = fib.main.ip4.entries(for: prefix)
        if entries.isEmpty {
            throw .notFound("there is no route to \(prefix)", "show fib ADDRESS finds the one that covers it")
        }
        return entries
    }

    private func row(_ entry: RIB<IPv4Prefix>.Entry, inForce: Bool) -> RouteReport.Row {
        let forwarding = fib.pathLists[entry.list]?.forwarding ?? .noRoute
        let index = forwarding.index
        let record = index >= Forwarding.firstAdjacency ? fib.adjacencies.table[index] : nil
        let isRewrite = forwarding.kind == .rewrite
        return RouteReport.Row(
            prefix: entry.prefix, source: entry.source.name, inForce: inForce, kind: forwarding.word,
            nextHop: isRewrite ? record?.neighbor : nil,
            interface: record.flatMap { interfaces.interface($0.txInterface)?.name },
            adjacency: record == nil ? nil : index,
            resolved: isRewrite ? record?.status.isResolved : nil)
    }

    private var showAdjacency: Command {
        Command(["show", "adjacency"], "Adjacencies: the neighbours that packets are sent to") { [unowned self] _ in
            AdjacencyReport(adjacencies: fib.adjacencies.indices.map(row))
        }
    }

    private func row(_ index: AdjacencyIndex) -> AdjacencyReport.Row {
        let record = fib.adjacencies.table[index]
        let isComplete = record.status.isResolved
        let source = record.rewrite.0 >> 48 | record.rewrite.1 << 16
        return AdjacencyReport.Row(
            index: index, interface: interfaces.interface(record.txInterface)?.name ?? "",
            nextHop: record.neighbor,
            state: record.neighbor == nil ? "glean" : isComplete ? "complete" : "incomplete",
            destination: isComplete ? MACAddress(littleEndian: record.rewrite.0) : nil,
            source: isComplete ? MACAddress(littleEndian: source) : nil, mtu: record.mtu,
            references: fib.adjacencies.references(of: index))
    }

    // MARK: - Changing

    private var routeAdd: Command {
        Command(
            ["route", "add"], "Adds a static route, or replaces the one to the same prefix",
            [
                .argument("prefix", "The destination: an IPv4 prefix, or 'default'", required: true),
                .argument(
                    "next-hop", "A neighbour on a connected network; or blackhole, unreachable, prohibit",
                    required: true),
                .argument("interface", "Where the neighbour is", completing: { [unowned self] in names }),
            ]
        ) { [unowned self] arguments in
            let prefix = try IPModule.destination(try arguments.required("prefix"))
            let word = try arguments.required("next-hop")
            let interface = try interface(arguments["interface"])
            do throws(RouteError) {
                if let forwarding = RouteType(rawValue: word)?.forwarding {
                    try fib.setRoute(.v4(prefix), [Path(.discard(forwarding))])
                } else {
                    guard let nextHop = IPv4Address(word) else {
                        throw RouteError(
                            "'\(word)' is not an IPv4 address", "give one, or blackhole, unreachable or prohibit")
                    }
                    try addRoute(.v4(prefix), via: .v4(nextHop), on: interface)
                }
            } catch {
                throw CommandError.failed(error.problem, error.remedy)
            }
            return Notice("")
        }
    }

    private var routeDelete: Command {
        Command(
            ["route", "del"], "Removes a static route",
            [.argument("prefix", "The destination: an IPv4 prefix, or 'default'", required: true)]
        ) { [unowned self] arguments in
            let prefix = try IPModule.destination(try arguments.required("prefix"))
            guard fib.removeRoute(.v4(prefix)) else {
                throw CommandError.notFound("there is no static route to \(prefix)")
            }
            return Notice("")
        }
    }

    private static func destination(_ text: String) throws(CommandError) -> IPv4Prefix {
        if text == "default" { return .all }
        do throws(AddressSyntaxError) {
            return try IPv4Prefix(parsing: text)
        } catch {
            throw .usage("\(error)")
        }
    }

    var names: [String] { engine.interfaces.map(\.name) }

    func interface(_ name: String?) throws(CommandError) -> Interface? {
        guard let name else { return nil }
        if let interface = engine.interface(named: name) { return interface }
        throw .notFound("there is no interface '\(name)'", Spelling.hint(for: name, among: names))
    }
}
