// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show interfaces`, `clear interfaces`, `set interface`.
enum InterfaceCommands {
    @ControlPlane
    static func all(_ engine: Engine) -> [Command] {
        let names: Command.Completion = { engine.interfaces.map(\.name) }
        return [
            Command(
                ["show", "interfaces"], "Interfaces with their state and counters",
                [.argument("name", "Only this interface, with all that is known of it", completing: names)]
            ) { arguments in
                guard let name = arguments["name"] else { return InterfaceReport(engine, engine.interfaces) }
                return InterfaceReport(engine, [try interface(name, engine)])
            },
            Command(["clear", "interfaces"], "Start the interfaces' counters anew") { _ in
                engine.clearInterfaces()
                return Notice("interface counters cleared")
            },
            Command(
                ["set", "interface"], "Switch an interface on or off until the next start",
                [
                    .argument("name", "The interface", required: true, completing: names),
                    .argument(
                        "state", "up or down", required: true, completing: { AdminState.allCases.map(\.rawValue) }),
                ]
            ) { arguments in
                let interface = try interface(arguments.required("name"), engine)
                let state = try arguments.choice("state", of: AdminState.self)
                interface.isAdminUp = state == .up
                return Notice("\(interface.name) is \(interface.isAdminUp ? "up" : "down")")
            },
        ]
    }

    private enum AdminState: String, CaseIterable {
        case up, down
    }

    @ControlPlane
    private static func interface(_ name: String, _ engine: Engine) throws(CommandError) -> Interface {
        if let interface = engine.interface(named: name) { return interface }
        throw .unknown("interface", name, among: engine.interfaces.map(\.name))
    }
}

struct InterfaceReport: Report {
    struct Detail: Encodable, Sendable {
        let name: String
        let value: String
    }

    struct Entry: Encodable, Sendable {
        let name: String
        let index: UInt32
        let kind: String
        let adminUp: Bool
        let linkUp: Bool
        /// Its device is not there.
        let isAbsent: Bool
        /// The same in a word.
        let state: String
        /// The longest network-layer packet.
        let mtuBytes: Int
        let mac: String
        /// 0 when unknown.
        let speedBitsPerSecond: UInt64
        let rxPackets: UInt64
        let rxBytes: UInt64
        let txPackets: UInt64
        let txBytes: UInt64
        let drops: UInt64
        let rxErrors: UInt64
        let txErrors: UInt64
        let details: [Detail]
    }

    let interfaces: [Entry]

    @ControlPlane
    init(_ engine: Engine, _ interfaces: [Interface]) {
        self.interfaces = interfaces.map { interface in
            let counters = engine.counters(of: interface.index)
            return Entry(
                name: interface.name, index: interface.index, kind: interface.kind, adminUp: interface.isAdminUp,
                linkUp: interface.isLinkUp, isAbsent: interface.flags.contains(.absent), state: interface.stateName,
                mtuBytes: interface.mtu,
                mac: MACAddress(littleEndian: interface.mac).description, speedBitsPerSecond: interface.speed,
                rxPackets: counters.rxPackets, rxBytes: counters.rxBytes, txPackets: counters.txPackets,
                txBytes: counters.txBytes, drops: counters.drops, rxErrors: counters.rxErrors,
                txErrors: counters.txErrors,
                details: interface.details.map { Detail(name: $0.name, value: $0.value) })
        }
    }

    var body: [TextBlock] {
        if interfaces.isEmpty { return [.line("there are no interfaces")] }
        if interfaces.count == 1 { return [.facts(facts(interfaces[0]))] }
        let states = interfaces.map { interface in
            [
                interface.name, "\(interface.index)", interface.kind, interface.state, "\(interface.mtuBytes)",
                interface.mac, Figure.speed(interface.speedBitsPerSecond),
                interface.details.map { "\($0.name) \($0.value)" }.joined(separator: ", "),
            ]
        }
        let counters = interfaces.map { interface in
            [
                interface.name, "\(interface.rxPackets)", "\(interface.rxBytes)", "\(interface.txPackets)",
                "\(interface.txBytes)", "\(interface.drops)", "\(interface.rxErrors)", "\(interface.txErrors)",
            ]
        }
        return [
            .table(["Name", .right("Idx"), "Kind", "State", .right("MTU"), "MAC", .right("Speed"), "Details"], states),
            .heading("Counters"),
            .table(
                [
                    "Name", .right("RX packets"), .right("RX bytes"), .right("TX packets"), .right("TX bytes"),
                    .right("Drops"),
                    .right("RX errors"), .right("TX errors"),
                ], counters),
        ]
    }

    private func facts(_ interface: Entry) -> [TextBlock.Fact] {
        var facts: [TextBlock.Fact] = [
            .init("Name", interface.name), .init("Index", "\(interface.index)"), .init("Kind", interface.kind),
            .init("State", interface.state), .init("MTU", "\(interface.mtuBytes)"), .init("MAC", interface.mac),
            .init("Speed", Figure.speed(interface.speedBitsPerSecond)),
        ]
        facts += interface.details.map { .init($0.name, $0.value) }
        return facts + [
            .init("RX packets", "\(interface.rxPackets)"), .init("RX bytes", "\(interface.rxBytes)"),
            .init("TX packets", "\(interface.txPackets)"), .init("TX bytes", "\(interface.txBytes)"),
            .init("Drops", "\(interface.drops)"), .init("RX errors", "\(interface.rxErrors)"),
            .init("TX errors", "\(interface.txErrors)"),
        ]
    }
}
