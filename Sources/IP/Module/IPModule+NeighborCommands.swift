// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// What belongs to neighbours and the router's own addresses: attributes, the section, the operator's commands.
extension IPModule {
    func addNeighbors(_ registry: Registry) {
        registry.add(directedBroadcastAttribute)
        registry.add(routerAdvertisementsAttribute)
        registry.add(neighborsSection)
        for command in [showNeighbors, showAddresses, clearNeighbors, neighborAdd, neighborDelete] {
            registry.add(command)
        }
    }

    private var directedBroadcastAttribute: InterfaceAttribute {
        let key = Schema.Key.key(
            "directed-broadcast", .boolean,
            "Broadcasts to the interface's IPv4 networks that come from elsewhere leave by it (RFC 2644); false if absent"
        )
        return InterfaceAttribute(key) { setting throws(ConfigurationErrors) in
            let isOn = try ConfigurationErrors.collecting { (_) throws(ConfigurationError) in try setting.boolean }
            return { interface in interface.setFlag(.directedBroadcast, isOn) }
        }
    }

    private var neighborArguments: [Command.Parameter] {
        [
            .argument("interface", "Only those on this interface", completing: { [unowned self] in names }),
            .argument("address", "Only this one, IPv4 or IPv6"),
        ]
    }

    // MARK: - show

    private var showNeighbors: Command {
        Command(
            ["show", "neighbors"], "IPv4 and IPv6 neighbours and their hardware addresses", neighborArguments
        ) { [unowned self] arguments in
            let only = try interface(arguments["interface"])
            let address = try address(arguments)
            var rows: [NeighborReport.Row] = []
            for neighbor in neighbors.all {
                guard only == nil || neighbor.key.interface == only?.index,
                    address == nil || neighbor.key.address == address
                else { continue }
                rows.append(row(neighbor))
            }
            if rows.isEmpty, let address { throw CommandError.notFound("there is no neighbour \(address)") }
            return NeighborReport(neighbors: rows, counters: neighbors.counters)
        }
    }

    private func address(_ arguments: CommandArguments) throws(CommandError) -> IPAddress? {
        try arguments.value("address", "an IP address", example: "10.0.0.2 or fe80::2") { IPAddress($0) }
    }

    private func row(_ neighbor: Neighbor) -> NeighborReport.Row {
        var flags: [String] = []
        if neighbor.isRouter { flags.append("router") }
        if neighbor.isKept { flags.append("kept") }
        if neighbor.state == .static, neighbors.isLost(neighbor) { flags.append("no-answer") }
        if neighbors.hasRoutesBehind(neighbor) { flags.append("next-hop") }
        return NeighborReport.Row(
            interface: interfaces.interface(neighbor.key.interface)?.name ?? "", address: neighbor.key.address,
            mac: neighbor.mac.isZero ? nil : neighbor.mac, state: neighbor.state, ageSeconds: neighbor.age,
            flags: flags, adjacency: neighbor.adjacency, held: neighbor.heldCount)
    }

    private var showAddresses: Command {
        Command(
            ["show", "addresses"], "The router's own addresses, and whether they can be used",
            [.argument("interface", "Only those of this interface", completing: { [unowned self] in names })]
        ) { [unowned self] arguments in
            let only = try interface(arguments["interface"])
            var rows: [AddressReport.Row] = []
            for index in interfaces.indices where only == nil || index == only?.index {
                guard let interface = interfaces.interface(index) else { continue }
                rows += interfaces.all(of: index).map { own in
                    AddressReport.Row(
                        interface: interface.name, address: own.value.description, table: fib.table(of: interface).name,
                        state: own.state, isAutomatic: own.isAutomatic)
                }
            }
            return AddressReport(addresses: rows)
        }
    }

    // MARK: - Changing

    private var clearNeighbors: Command {
        Command(
            ["clear", "neighbors"], "Forgets neighbours that are not static; they are asked for again",
            neighborArguments
        ) { [unowned self] arguments in
            let only = try interface(arguments["interface"])
            let before = Set(neighbors.all.map(\.key))
            if let address = try address(arguments), let only {
                guard let neighbor = neighbors[address, only] else {
                    throw CommandError.notFound("\(only.name) has no neighbour \(address)")
                }
                if neighbor.state != .static { neighbors.remove(address, on: only) }
            } else {
                neighbors.flush(only)
            }
            let count = before.subtracting(neighbors.all.filter { $0.state.isUsable }.map(\.key)).count
            return Notice("\(count) \(count == 1 ? "neighbour" : "neighbours") forgotten")
        }
    }

    private var neighborAdd: Command {
        Command(
            ["neighbor", "add"], "Adds a static neighbour, or makes one static",
            [
                .argument("interface", "Where it is", required: true, completing: { [unowned self] in names }),
                .argument("address", "Its IPv4 or IPv6 address", required: true),
                .argument("mac", "Its hardware address", required: true),
            ]
        ) { [unowned self] arguments in
            let (interface, address) = try neighbor(arguments)
            let mac = try arguments.value("mac", "a MAC address", example: "02:00:00:00:00:01") { MACAddress($0) }
            guard let mac else { throw CommandError.usage("'mac' is missing") }
            do throws(RouteError) {
                try neighbors.addStatic(address, at: mac, on: interface)
            } catch {
                throw CommandError.failed(error.problem, error.remedy)
            }
            return Notice("")
        }
    }

    private var neighborDelete: Command {
        Command(
            ["neighbor", "del"], "Removes a neighbour, static or not",
            [
                .argument("interface", "Where it is", required: true, completing: { [unowned self] in names }),
                .argument("address", "Its IPv4 or IPv6 address", required: true),
            ]
        ) { [unowned self] arguments in
            let (interface, address) = try neighbor(arguments)
            guard neighbors.remove(address, on: interface) else {
                throw CommandError.notFound("\(interface.name) has no neighbour \(address)")
            }
            return Notice("")
        }
    }

    private func neighbor(_ arguments: CommandArguments) throws(CommandError) -> (Interface, IPAddress) {
        guard let interface = try interface(arguments["interface"]), let address = try address(arguments) else {
            throw .usage("interface and address are needed")
        }
        return (interface, address)
    }
}
