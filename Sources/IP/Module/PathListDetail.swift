// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// A path-list in words: what it was given, and what that comes to now.
struct PathListDetail: Encodable, Sendable {
    let index: PathListIndex
    let state: PathList.State
    /// Routes, labels and other features that use it.
    let uses: Int
    /// Whether it is one route's own.
    let isCounted: Bool
    /// Nil when its routes lead straight to where they go.
    let loadBalance: UInt32?
    let buckets: Int
    let packets: UInt64?
    let bytes: UInt64?
    let paths: [PathDetail]
    let members: [MemberDetail]

    var blocks: [TextBlock] {
        var title = "Path-list \(index): \(state.rawValue), \(uses) \(uses == 1 ? "use" : "uses")"
        if let loadBalance { title += ", load-balance \(loadBalance)" }
        if let packets, let bytes { title += ", \(packets) packets, \(bytes) bytes" }
        return [.heading(title), pathTable, memberTable]
    }

    private var pathTable: TextBlock {
        .table(
            ["Path", .right("Weight"), .right("Preference"), "Labels", "Backup", "Resolved by", "State"],
            paths.map { path in
                let cover = path.resolvedBy.map { resolution in
                    let place = resolution.vrf == VRF.mainName ? "" : " in \(resolution.vrf)"
                    return "\(resolution.prefix)\(place), path-list \(resolution.pathList)"
                }
                return [
                    path.target, "\(path.weight)", "\(path.preference)", PathListDetail.text(path.labels, path.ttl),
                    path.backup ?? "", cover ?? "", path.stateText,
                ]
            })
    }

    private var memberTable: TextBlock {
        .table(
            [
                "Leads to", "Next hop", "Interface", .right("Adjacency"), "Labels", .right("Buckets"), .right("Share"),
                "State", "Backup",
            ],
            members.map { member in
                [
                    member.leadsTo, member.nextHop.map { "\($0)" } ?? "", member.interface ?? "",
                    member.adjacency.map { "\($0)" } ?? "", PathListDetail.text(member.labels, nil),
                    "\(member.buckets)", "\((member.share * 100).fixed(1))%", member.state, member.backup ?? "",
                ]
            })
    }

    private static func text(_ labels: [UInt32], _ ttl: TTLMode?) -> String {
        labels.map(String.init).joined(separator: " ") + (ttl == .uniform ? " uniform" : "")
    }
}

/// A path as a route has it.
struct PathDetail: Encodable, Sendable {
    /// The route that leads to a next hop.
    struct Resolution: Encodable, Sendable {
        let prefix: IPPrefix
        let vrf: String
        let pathList: PathListIndex
    }

    /// "10.0.0.2 on lan0", "via 30.0.0.1", "lookup in red", "blackhole".
    let target: String
    let weight: Int
    let preference: Int
    let labels: [UInt32]
    let ttl: TTLMode?
    let backup: String?
    /// Whether its preference is the one in use.
    let inUse: Bool
    /// The state of the BFD session that watches the next hop for this path; nil without one.
    let bfd: BFDState?
    let resolvedBy: Resolution?
    /// Why packets cannot take it now; nil when they can.
    let problem: String?

    var stateText: String {
        if let problem { return problem }
        let use = inUse ? "in use" : "waits"
        return bfd.map { "\(use), BFD \($0)" } ?? use
    }
}

/// One of the ways that packets take.
struct MemberDetail: Encodable, Sendable {
    /// "rewrite", "path", "glean", "local", "blackhole", ...
    let leadsTo: String
    let nextHop: IPAddress?
    let interface: String?
    let adjacency: AdjacencyIndex?
    let path: UInt32?
    /// The outermost first.
    let labels: [UInt32]
    let buckets: Int
    /// Of the flows, 0 to 1.
    let share: Double
    /// "ready", "not resolved", or what speaks against the neighbour.
    let state: String
    /// What stands in while the neighbour is down.
    let backup: String?
}
