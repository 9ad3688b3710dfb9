// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show bridge`: the domains, and what learning and flooding came to.
struct BridgeReport: Report {
    struct Domain: Encodable, Sendable {
        let name: String
        /// Learned, static ones not among them.
        let stations: Int
        let macLimit: Int
        /// 0 for never.
        let agingSeconds: Int
        let unknownUnicast: String
        /// Addresses for which ARP requests are answered.
        let arpEntries: Int
        let members: [Member]
    }

    struct Member: Encodable, Sendable {
        let interface: String
        let isBVI: Bool
        let stations: Int
        let macLimit: Int?
        /// 0 for none.
        let splitHorizonGroup: Int
        /// forwarding, learning, blocking.
        let state: BridgePortState
        /// Frames per second that may be flooded; nil for any number.
        let broadcastLimit: Int?
        let multicastLimit: Int?
        let unknownUnicastLimit: Int?
    }

    let domains: [Domain]
    /// Of all domains together.
    let learned: UInt64
    let moved: UInt64
    let framesFromStaticElsewhere: UInt64
    let framesFromHeldStations: UInt64
    let framesOverPortLimit: UInt64
    let framesOverDomainLimit: UInt64
    let framesWithoutRoom: UInt64
    let copies: UInt64

    @ControlPlane
    init(_ domains: [BridgeDomain], _ store: BridgeStore) {
        self.domains = domains.map { domain in
            Domain(
                name: domain.name, stations: store.tally.count(ofDomain: domain.number), macLimit: domain.limit,
                agingSeconds: domain.aging, unknownUnicast: domain.unknownUnicast.text,
                arpEntries: store.table[domain: domain.number].arp?.pointee.count ?? 0,
                members: domain.members.map { member in
                    Member(
                        interface: member.interface.name, isBVI: member.isBVI,
                        stations: store.tally.count(ofPort: member.port), macLimit: member.limit,
                        splitHorizonGroup: Int(member.group), state: store.state(of: member),
                        broadcastLimit: member.entry.storm?[FloodKind.broadcast.rawValue],
                        multicastLimit: member.entry.storm?[FloodKind.multicast.rawValue],
                        unknownUnicastLimit: member.entry.storm?[FloodKind.unknownUnicast.rawValue])
                })
        }
        let counts = store.total
        learned = counts.learned
        moved = counts.moved
        framesFromStaticElsewhere = counts.fixed
        framesFromHeldStations = counts.held
        framesOverPortLimit = counts.portFull
        framesOverDomainLimit = counts.domainFull
        framesWithoutRoom = counts.noRoom
        copies = counts.copies
    }

    var body: [TextBlock] {
        domains.flatMap { domain -> [TextBlock] in
            [
                .heading(domain.name),
                .facts(
                    [
                        .init("stations", "\(domain.stations) of \(domain.macLimit)"),
                        .init("aging", domain.agingSeconds == 0 ? "never" : "\(domain.agingSeconds)s"),
                        .init("unknown unicast", domain.unknownUnicast),
                    ] + (domain.arpEntries == 0 ? [] : [.init("ARP answered for", "\(domain.arpEntries) addresses")])),
                .table(
                    ["Member", "Kind", "State", .right("Stations"), .right("Limit"), .right("Group"), "Storm control"],
                    domain.members.map { member in
                        [
                            member.interface, member.isBVI ? "bvi" : "", member.state.rawValue, "\(member.stations)",
                            member.macLimit.map { "\($0)" } ?? "",
                            member.splitHorizonGroup == 0 ? "" : "\(member.splitHorizonGroup)", member.storm,
                        ]
                    }),
            ]
        } + [.heading("All domains"), .facts(facts.map { .init($0.0, "\($0.1)") })]
    }

    private var facts: [(String, UInt64)] {
        [
            ("stations learned", learned), ("stations moved", moved),
            ("frames of stations that are static elsewhere", framesFromStaticElsewhere),
            ("frames of stations that move too often", framesFromHeldStations),
            ("frames of stations over a member's limit", framesOverPortLimit),
            ("frames of stations over a domain's limit", framesOverDomainLimit),
            ("frames of stations without room", framesWithoutRoom), ("copies made", copies),
        ].filter { $0.1 > 0 }
    }
}

extension BridgeReport.Member {
    /// "broadcast 1000/s, multicast 500/s".
    fileprivate var storm: String {
        [("broadcast", broadcastLimit), ("multicast", multicastLimit), ("unknown unicast", unknownUnicastLimit)]
            .compactMap { kind, limit in limit.map { "\(kind) \($0)/s" } }.joined(separator: ", ")
    }
}

/// `show fdb`: the stations.
struct FDBReport: Report {
    struct Row: Encodable, Sendable {
        let domain: String
        let mac: MACAddress
        let interface: String
        let isStatic: Bool
        /// Since a frame last came from it, to a second or so; nil for static ones.
        let ageSeconds: Int?
    }

    let stations: [Row]

    @ControlPlane
    init(_ entries: [FDBTable.Entry], _ store: BridgeStore) {
        let now = FDBStamp.now
        stations = entries.map { entry in
            let value = entry.value
            let silence = Int16(bitPattern: now &- value.stamp) == -1 ? 0 : now &- value.stamp
            return Row(
                domain: store.domains[Int(entry.key.domain) - 1].name,
                mac: MACAddress(littleEndian: entry.key.address),
                interface: store.member(port: value.port)?.interface.name ?? "", isStatic: value.isStatic,
                ageSeconds: value.isStatic ? nil : Int(FDBStamp.seconds(silence)))
        }.sorted { ($0.domain, $0.mac) < ($1.domain, $1.mac) }
    }

    var body: [TextBlock] {
        [
            .table(
                ["Domain", "MAC", "Member", "Kind", .right("Age")],
                stations.map { row in
                    [
                        row.domain, "\(row.mac)", row.interface, row.isStatic ? "static" : "learned",
                        row.ageSeconds.map { "\($0)s" } ?? "",
                    ]
                })
        ]
    }
}
