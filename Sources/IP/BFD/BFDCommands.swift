// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// The operator's commands about BFD.
extension BFDModule {
    var commands: [Command] { [showSessions, showCounters, setSession, clearCounters] }

    private var showSessions: Command {
        Command(
            ["show", "bfd"], "BFD sessions, or all about those with one peer",
            [.argument("peer", "The peer's address", completing: { [unowned self] in manager.peers })]
        ) { [unowned self] arguments in
            guard let peer = try BFDModule.peer(arguments) else { return BFDReport(manager.rows()) }
            return BFDDetailReport(sessions: try sessions(with: peer).map(manager.detail))
        }
    }

    private var showCounters: Command {
        Command(["show", "bfd", "counters"], "What BFD sessions sent, received and dropped") { [unowned self] _ in
            BFDCounterReport(sessions: manager.counterRows())
        }
    }

    private var clearCounters: Command {
        Command(["clear", "bfd", "counters"], "Starts the sessions' counters anew") { [unowned self] _ in
            manager.clearCounters()
            return Notice("BFD counters cleared")
        }
    }

    private enum Wish: String, CaseIterable {
        case adminDown = "admin-down"
        case up
    }

    private var setSession: Command {
        Command(
            ["set", "bfd"], "Takes a session out of service or back, or gives it other intervals, until the next start",
            [
                .argument(
                    "peer", "The peer's address", required: true, completing: { [unowned self] in manager.peers }),
                .argument("state", "admin-down or up", completing: { Wish.allCases.map(\.rawValue) }),
                .option("transmit-interval", "Between packets sent: 50ms"),
                .option("receive-interval", "Between packets that the peer may send: 50ms"),
                .option("multiplier", "Packets that may be lost in a row: 3"),
            ]
        ) { [unowned self] arguments in
            guard let peer = try BFDModule.peer(arguments) else { throw CommandError.usage("'peer' is missing") }
            let found = try sessions(with: peer)
            let wish = try arguments.choice("state", of: Wish.self)
            let transmit = try BFDModule.interval("transmit-interval", arguments)
            let receive = try BFDModule.interval("receive-interval", arguments)
            let multiplier = try arguments.integer("multiplier", in: 1...255)
            if wish == nil, transmit == nil, receive == nil, multiplier == nil {
                throw CommandError.usage("there is nothing to change", "give a state, or an interval")
            }
            for session in found {
                var parameters = session.parameters
                parameters.transmitInterval = transmit ?? parameters.transmitInterval
                parameters.receiveInterval = receive ?? parameters.receiveInterval
                parameters.multiplier = multiplier.map(UInt8.init) ?? parameters.multiplier
                if parameters != session.parameters { manager.set(parameters, of: session) }
                if let wish { manager.setAdminDown(wish == .adminDown, of: session) }
            }
            return Notice("")
        }
    }

    private static func peer(_ arguments: CommandArguments) throws(CommandError) -> IPAddress? {
        try arguments.value("peer", "an IP address", example: "192.0.2.1") { IPAddress($0) }
    }

    private static func interval(_ name: String, _ arguments: CommandArguments) throws(CommandError) -> UInt32? {
        let found = try arguments.value(name, "a duration", example: "50ms", Quantity.duration)
        guard let found else { return nil }
        let microseconds = found / .microseconds(1)
        let range = BFDParameters.intervals
        guard microseconds >= Double(range.lowerBound), microseconds <= Double(range.upperBound) else {
            throw .usage("\(Quantity.text(found)) does not do for '\(name)'", "give 3300us to 60s")
        }
        return UInt32(microseconds)
    }

    private func sessions(with peer: IPAddress) throws(CommandError) -> [BFDManager.Session] {
        let found = manager.sessions(with: peer)
        if found.isEmpty { throw .notFound("there is no BFD session with \(peer)", "show bfd lists them") }
        return found
    }
}
