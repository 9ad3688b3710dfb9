// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// MPLS: nodes, feature arcs and commands.
extension IPModule {
    private static let defaultLimit = 1000

    func addMPLS(_ registry: Registry, neighbors: ProcessIndex) {
        let pusher = LabelPusher(paths: fib.paths.table, adjacencies: fib.adjacencies.table)
        let tables = fib.readers
        let table = labels.table
        let counters = fib.adjacencies.counters
        let loadBalances = fib.pathLists.loadBalances
        let hashSeed = hashSeed
        registry.add(
            NodeDescriptor(MPLSLookup.self) { seat in
                let counters = loadBalances.counters.slot(seat.worker)
                return MPLSLookup(
                    labels: table, pusher: pusher,
                    balancer: Balancer(table: tables.loadBalances, counters: counters, seed: hashSeed.value),
                    tables: tables)
            })
        registry.add(
            NodeDescriptor(MPLSRewrite.self) { seat in
                MPLSRewrite(
                    EthernetRewriter(
                        adjacencies: pusher.adjacencies, paths: pusher.paths, counters: counters.slot(seat.worker)),
                    pusher)
            })
        registry.add(
            NodeDescriptor(MPLSIncomplete.self) { _ in
                MPLSIncomplete(adjacencies: pusher.adjacencies, neighbors: neighbors)
            })
        let addresses = interfaces.primary
        registry.add(
            NodeDescriptor(MPLSICMPError.self) { [icmp = icmp.reader] _ in
                MPLSICMPError(tables: tables, addresses: addresses, settings: icmp)
            })
        registry.add(
            FeatureArc(
                "mpls-input", by: .receive, startsAt: [("ethernet-input", "mpls")], endsAt: MPLSLookup.name))
        registry.add(
            FeatureArc(
                "mpls-output", by: .transmit, startsAt: [(MPLSRewrite.name, "output")], endsAt: InterfaceOutput.name))
        registry.add(mplsAttribute)
        for command in [showLabels, labelAdd, labelDelete] { registry.add(command) }
    }

    private var showLabels: Command {
        Command(
            ["show", "mpls", "fib"], "Labels and what they lead to, or all about one",
            [
                .argument("label", "Only this label, with its whole chain"),
                .option("limit", "How many entries to show; \(IPModule.defaultLimit) if absent"),
            ]
        ) { [unowned self] arguments in
            let limit = try arguments.integer("limit", in: 1...0x20_0000) ?? IPModule.defaultLimit
            guard let number = try arguments.integer("label", in: 0...0xf_ffff) else {
                return LabelReporter(ip: self).report(limit: limit)
            }
            let report = LabelReporter(ip: self).report(of: MPLSLabel(rawValue: UInt32(number)))
            if report.labels.isEmpty { throw CommandError.notFound("there is no entry for label \(number)") }
            return report
        }
    }

    private var labelAdd: Command {
        Command(
            ["mpls", "add"], "Adds a static label, or changes what it means",
            [
                .argument("label", "The incoming label, 16 to 1048575", required: true),
                .argument("next-hop", "A neighbour on a connected network; not with --pop"),
                .option("interface", "Where the neighbour is", completing: { [unowned self] in names }),
                .option("swap", "The label in place of the one that came; if absent that is taken off"),
                .option("push", "Labels on top of the swapped one, with commas between them, the outermost first"),
                .option("pop", "ip or label: what is below the label, which is taken off and looked up here"),
                .option("vrf", "The VRF for --pop ip; the main table if absent"),
                .option("ttl", "pipe or uniform; pipe if absent"),
                .option("place", "bottom, above or any: where in a stack; any if absent"),
            ]
        ) { [unowned self] arguments in
            let label = try IPModule.label(arguments)
            let place = try arguments.choice("place", of: LabelFIB.Place.self) ?? .any
            let mode = try arguments.choice("ttl", of: TTLMode.self) ?? .pipe
            let pop = try arguments.choice("pop", of: LabelPop.self)
            do throws(RouteError) {
                let action: LabelFIB.Action
                if let pop {
                    action = try popAction(pop, arguments, place)
                } else {
                    action = try pathAction(arguments, mode)
                }
                try labels.set(label, action, at: place, mode: mode, from: LabelFIB.operatorName)
            } catch {
                throw CommandError.failed(error.problem, error.remedy)
            }
            return Notice("")
        }
    }

    private func popAction(
        _ pop: LabelPop, _ arguments: CommandArguments, _ place: LabelFIB.Place
    ) throws(RouteError) -> LabelFIB.Action {
        if arguments["next-hop"] != nil || arguments["swap"] != nil || arguments["push"] != nil {
            throw RouteError("--pop goes without a next hop, --swap and --push", "give one or the other")
        }
        guard pop == .ip else {
            if place == .bottom { throw .noLabelBelow }
            if arguments["vrf"] != nil { throw RouteError("--vrf goes with --pop ip", "remove it") }
            return .lookupLabel
        }
        if place == .above { throw .noPacketBelow }
        let name = arguments["vrf"] ?? VRF.mainName
        guard let table = fib.table(named: name) else { throw .noTable(named: name, fib.tables.map(\.name)) }
        return .lookupIP(table.index)
    }

    private func pathAction(_ arguments: CommandArguments, _ mode: TTLMode) throws(RouteError) -> LabelFIB.Action {
        if arguments["vrf"] != nil { throw RouteError("--vrf goes with --pop ip", "add that, or remove it") }
        guard let text = arguments["next-hop"] else {
            throw RouteError("a label needs a next hop or --pop", "give one of them")
        }
        guard let nextHop = IPAddress(text) else { throw RouteError("'\(text)' is not an IP address", "give one") }
        var interface: Interface?
        if let name = arguments["interface"] {
            interface = engine.interface(named: name)
            if interface == nil {
                throw RouteError("there is no interface '\(name)'", Spelling.hint(for: name, among: names))
            }
        }
        var path = try path(via: nextHop, on: interface)
        path.mode = mode
        path.labels = try IPModule.stack(push: arguments["push"], swap: arguments["swap"])
        return .paths([path])
    }

    private static func stack(push: String?, swap: String?) throws(RouteError) -> [UInt32] {
        if push != nil, swap == nil { throw RouteError("--push goes on top of --swap", "give that too") }
        let words = (push?.split(separator: ",").map(String.init) ?? []) + [swap].compactMap { $0 }
        return try words.map { word throws(RouteError) in
            guard let label = UInt32(word) else { throw RouteError("'\(word)' is no label", "give a number") }
            if let objection = RouteError.objection(toOutgoing: label) { throw objection }
            return label
        }
    }

    private var labelDelete: Command {
        Command(
            ["mpls", "del"], "Removes a static label",
            [
                .argument("label", "The incoming label", required: true),
                .option("place", "bottom, above or any: where in a stack; any if absent"),
            ]
        ) { [unowned self] arguments in
            let label = try IPModule.label(arguments)
            let place = try arguments.choice("place", of: LabelFIB.Place.self) ?? .any
            do throws(RouteError) {
                if try labels.remove(label, at: place, from: LabelFIB.operatorName) { return Notice("") }
            } catch {
                throw CommandError.failed(error.problem, error.remedy)
            }
            throw CommandError.notFound("there is no entry for label \(label)", "show mpls fib lists them")
        }
    }

    private static func label(_ arguments: CommandArguments) throws(CommandError) -> MPLSLabel {
        guard let number = try arguments.integer("label", in: 16...0xf_ffff) else {
            throw .usage("'label' is missing")
        }
        return MPLSLabel(rawValue: UInt32(number))
    }
}
