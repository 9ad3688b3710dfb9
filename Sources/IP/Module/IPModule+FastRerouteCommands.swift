// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// The operator's commands about fast reroute.
extension IPModule {
    var fastRerouteCommands: [Command] { [showFRR, showFRRHistory, clearFRR, setFRRRevert, setNextHop] }

    private var nextHops: Command.Completion {
        { [unowned self] in
            fastReroute.protections.values.filter(\.isProtected).map { "\($0.key.address)" }.sorted()
        }
    }

    private var showFRR: Command {
        Command(
            ["show", "frr"], "Protected next hops, their backups, and next hops without one",
            [.argument("next-hop", "Only this one", completing: nextHops)]
        ) { [unowned self] arguments in
            fastReroute.report(only: try nextHop(arguments))
        }
    }

    private var showFRRHistory: Command {
        Command(
            ["show", "frr", "history"], "Switches to backups and back, with their times",
            [.argument("next-hop", "Only this one's", completing: nextHops)]
        ) { [unowned self] arguments in
            fastReroute.historyReport(only: try nextHop(arguments))
        }
    }

    private var clearFRR: Command {
        Command(["clear", "frr"], "Forgets what fast reroute has switched, counted and held down for flapping") {
            [unowned self] _ in
            fastReroute.clear()
            return Notice("history, counters and flaps of fast reroute cleared")
        }
    }

    private var setFRRRevert: Command {
        Command(
            ["set", "frr", "revert"], "Has traffic go back to next hops whose failure is over, without further waiting",
            [.argument("next-hop", "Only this one", completing: nextHops)]
        ) { [unowned self] arguments in
            let address = try nextHop(arguments)
            let count = fastReroute.revert(only: address)
            if count == 0 {
                let subject = address.map { "\($0)" } ?? "no next hop"
                throw CommandError.failed(
                    address == nil ? "no next hop waits to be used again" : "\(subject) does not wait to be used again",
                    "show frr tells their states")
            }
            return Notice("\(count) \(count == 1 ? "next hop is" : "next hops are") in use again")
        }
    }

    private enum NextHopState: String, CaseIterable {
        case up, down
    }

    private var setNextHop: Command {
        Command(
            ["set", "next-hop"], "Takes a next hop out of use for maintenance, or back into it",
            [
                .argument("address", "The neighbour", required: true, completing: nextHops),
                .argument(
                    "state", "up or down", required: true, completing: { NextHopState.allCases.map(\.rawValue) }),
                .argument(
                    "interface", "Where it is, if several links have one of that address",
                    completing: { [unowned self] in engine.interfaces.map(\.name) }),
            ]
        ) { [unowned self] arguments in
            guard let address = try nextHop(arguments, "address") else {
                throw CommandError.usage("'address' is missing")
            }
            let state = try arguments.choice("state", of: NextHopState.self)
            var interface: Interface?
            if let name = arguments["interface"] {
                interface = engine.interface(named: name)
                if interface == nil {
                    throw CommandError.notFound(
                        "there is no interface '\(name)'",
                        Spelling.hint(for: name, among: engine.interfaces.map(\.name)))
                }
            }
            let found = fib.adjacencies.indices.filter { index in
                guard let key = fib.adjacencies.key(of: index) else { return false }
                return key.address == address && (interface == nil || key.interface == interface?.index)
            }
            guard let index = found.first else {
                throw CommandError.notFound("\(address) is no next hop of this router", "show adjacency lists them")
            }
            guard found.count == 1 else {
                throw CommandError.usage("\(found.count) links have a next hop \(address)", "name the interface")
            }
            fastReroute.setOutOfUse(index, state == .down)
            if state == .down { return Notice("\(address) is out of use by command") }
            let isDown = fib.adjacencies.table[index].status.isDown
            let rest = isDown ? ", but out of use: \(FIBExplainer(fib: fib).state(of: index))" : ""
            return Notice("\(address) is no longer out of use by command\(rest)")
        }
    }

    private func nextHop(_ arguments: CommandArguments, _ name: String = "next-hop") throws(CommandError) -> IPAddress?
    {
        try arguments.value(name, "an IP address", example: "192.0.2.1") { IPAddress($0) }
    }
}
