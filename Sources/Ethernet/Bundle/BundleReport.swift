// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show bundle`: bundles and their members; of one bundle also what LACP knows of each link.
struct BundleReport: Report {
    /// What one side says of itself.
    struct Side: Encodable, Sendable {
        let systemPriority: UInt16
        let system: MACAddress
        let key: UInt16
        let portPriority: UInt16
        let port: UInt16
        let state: [String]

        init(_ information: LACPInformation) {
            systemPriority = information.system.priority
            system = information.system.address
            key = information.key
            portPriority = information.port.priority
            port = information.port.number
            state = information.state.words
        }

        var text: String {
            "system \(systemPriority),\(system) key \(key) port \(portPriority),\(port): \(state.joined(separator: " "))"
        }
    }

    struct Link: Encodable, Sendable {
        let receive: LACPPort.Receive
        let mux: LACPPort.Mux
        let selected: LACPPort.Selected
        let actor: Side
        /// Nil when nothing is known of it.
        let partner: Side?
        let counters: LACPPort.Counters
    }

    struct Member: Encodable, Sendable {
        let name: String
        /// "active", "standby", "down".
        let state: String
        /// Why it is not active.
        let reason: String?
        let priority: UInt16
        let speedBitsPerSecond: UInt64
        let rxPackets: UInt64
        let txPackets: UInt64
        /// Nil without LACP.
        let lacp: Link?
    }

    struct Entry: Encodable, Sendable {
        let name: String
        let linkUp: Bool
        let lacp: BundleSettings.LACP
        /// Nil without LACP.
        let rate: BundleSettings.Rate?
        let hash: String
        let activeLinks: Int
        let minimumLinks: Int
        let maximumLinks: Int
        let mac: MACAddress
        let mtuBytes: Int
        let speedBitsPerSecond: UInt64
        let members: [Member]

        var state: String {
            linkUp ? "up" : activeLinks > 0 ? "down: \(activeLinks) of at least \(minimumLinks) links" : "down: no link"
        }
    }

    let bundles: [Entry]
    private let isDetailed: Bool

    private enum CodingKeys: CodingKey {
        case bundles
    }

    @ControlPlane
    init(_ bundles: [Bundle], isDetailed: Bool, _ engine: Engine) {
        self.bundles = bundles.map { BundleReport.entry($0, engine) }
        self.isDetailed = isDetailed
    }

    @ControlPlane
    private static func entry(_ bundle: Bundle, _ engine: Engine) -> Entry {
        let members = bundle.members.enumerated().map { place, member in
            let counters = engine.counters(of: member.port.index)
            return Member(
                name: member.port.name, state: member.state.word, reason: bundle.reason(of: member.state),
                priority: member.priority, speedBitsPerSecond: member.port.speed, rxPackets: counters.rxPackets,
                txPackets: counters.txPackets, lacp: bundle.lacp.map { link($0.ports[place]) })
        }
        return Entry(
            name: bundle.interface.name, linkUp: bundle.interface.isLinkUp, lacp: bundle.settings.lacp,
            rate: bundle.settings.lacp == .off ? nil : bundle.settings.rate, hash: bundle.settings.hash.name,
            activeLinks: bundle.members.count { $0.state == .active }, minimumLinks: bundle.settings.minimum,
            maximumLinks: bundle.settings.maximum, mac: MACAddress(littleEndian: bundle.interface.mac),
            mtuBytes: bundle.interface.mtu, speedBitsPerSecond: bundle.interface.speed, members: members)
    }

    private static func link(_ port: LACPPort) -> Link {
        Link(
            receive: port.receive, mux: port.mux, selected: port.selected, actor: Side(port.actor),
            partner: port.partner.system == LACPPort.unknown.system ? nil : Side(port.partner), counters: port.counters)
    }

    // MARK: - Text

    var body: [TextBlock] {
        if bundles.isEmpty { return [.line("there are no bundles")] }
        if isDetailed { return bundles.flatMap(detail) }
        let rows = bundles.map { bundle in
            [
                bundle.name, bundle.state, lacp(bundle), bundle.hash, "\(bundle.activeLinks)",
                "\(bundle.members.count)", "\(bundle.minimumLinks)", "\(bundle.maximumLinks)",
            ]
        }
        let members = bundles.flatMap { bundle in bundle.members.map { [bundle.name] + row($0) } }
        return [
            .table(
                [
                    "Bundle", "State", "LACP", "Hash", .right("Active"), .right("Members"), .right("Minimum"),
                    .right("Maximum"),
                ], rows), .heading("Members"), .table(["Bundle"] + BundleReport.memberColumns, members),
        ]
    }

    private static let memberColumns: [TextBlock.Column] = [
        "Member", "State", "Why", .right("Priority"), .right("RX packets"), .right("TX packets"),
    ]

    private func lacp(_ bundle: Entry) -> String {
        bundle.lacp.rawValue + (bundle.rate.map { ", \($0.rawValue)" } ?? "")
    }

    private func row(_ member: Member) -> [String] {
        [
            member.name, member.state, member.reason ?? "", "\(member.priority)", "\(member.rxPackets)",
            "\(member.txPackets)",
        ]
    }

    private func detail(_ bundle: Entry) -> [TextBlock] {
        let facts: [TextBlock.Fact] = [
            .init("Bundle", bundle.name), .init("State", bundle.state), .init("LACP", lacp(bundle)),
            .init("Hash", bundle.hash), .init("Links", "\(bundle.activeLinks) active"),
            .init("Minimum", "\(bundle.minimumLinks)"), .init("Maximum", "\(bundle.maximumLinks)"),
            .init("MAC", "\(bundle.mac)"), .init("MTU", "\(bundle.mtuBytes)"),
        ]
        let links = bundle.members.flatMap { member in member.lacp.map { blocks(member.name, $0) } ?? [] }
        return [.facts(facts), .heading("Members"), .table(BundleReport.memberColumns, bundle.members.map(row))] + links
    }

    private func blocks(_ name: String, _ link: Link) -> [TextBlock] {
        let counters = link.counters
        return [
            .heading("LACP on \(name)"),
            .facts([
                .init("Actor", link.actor.text), .init("Partner", link.partner?.text ?? "unknown"),
                .init(
                    "Machines", "receive \(link.receive.rawValue), mux \(link.mux.rawValue), \(link.selected.rawValue)"),
                .init(
                    "LACPDUs",
                    "\(counters.received) received, \(counters.sent) sent, \(counters.expired) timeouts, "
                        + "\(counters.looped) looped"),
            ]),
        ]
    }
}
