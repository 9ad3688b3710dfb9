// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Finds what the paths of a list come to: neighbours and results, through as many other routes as it takes.
@ControlPlane
struct PathResolution {
    private let list: PathList
    private let fib: FIB
    private(set) var members: [PathList.Member] = []
    private(set) var state = PathList.State.unusable
    private(set) var via: Set<PathListIndex> = []
    private var isLoop = false

    init(of list: PathList, _ fib: FIB) {
        self.list = list
        self.fib = fib
    }

    mutating func run() {
        let preferences = Set(list.paths.map(\.preference)).sorted()
        for (place, preference) in preferences.enumerated() {
            var found = members(preference)
            if fib.hasAutomaticBackups {
                let reserve = place + 1 < preferences.count ? members(preferences[place + 1]) : []
                addBackups(to: &found, from: reserve.map(\.leaf))
            }
            // The first preference that works; if none does, the first, which may come back.
            let isUsable = found.contains { fib.pathLists.isUsable($0.leaf) }
            if isUsable || members.isEmpty { members = found }
            if isUsable {
                state = .usable
                break
            }
        }
        members = Array(members.prefix(LoadBalanceStore.maximumBuckets))
        if state != .usable, isLoop { state = .loop }
    }

    private mutating func members(_ preference: Int) -> [PathList.Member] {
        list.paths.filter { $0.preference == preference }.flatMap { path in
            let leaves = leaves(of: path)
            let sum = leaves.reduce(0) { $0 + $1.weight }
            return leaves.map { PathList.Member(leaf: $0.leaf, weight: Double(path.weight) * $0.weight / sum) }
        }
    }

    /// Gives each neighbour without a backup another of the same list: one that is used too, else of the next preference.
    /// Over another interface, if there is one. What the list may use anyway cannot make a loop that was not there.
    private func addBackups(to members: inout [PathList.Member], from reserve: [Leaf]) {
        let inUse = members.map(\.leaf)
        for place in members.indices {
            guard let own = members[place].leaf.adjacency, members[place].leaf.backup.isEmpty,
                fib.adjacencies.table[own].backup == .noRoute
            else { continue }
            // The next in turn, so that the neighbours do not all choose the same.
            let others = candidates(Array(inUse[(place + 1)...] + inUse[..<place]), besides: own)
            let next = candidates(reserve, besides: own)
            guard var backup = others.apart ?? next.apart ?? others.first ?? next.first else { continue }
            backup.backup = []
            members[place].leaf.backup = [backup]
            members[place].leaf.isBackupAutomatic = others.first != nil
        }
    }

    /// The first neighbour that is not down, and the first of those over another interface than that to be replaced.
    private func candidates(_ leaves: [Leaf], besides own: AdjacencyIndex) -> (first: Leaf?, apart: Leaf?) {
        let table = fib.adjacencies.table
        let usable = leaves.filter { leaf in leaf.adjacency.map { $0 != own && !table[$0].status.isDown } ?? false }
        let apart = usable.first { leaf in leaf.adjacency.map { table[$0].txInterface } != table[own].txInterface }
        return (usable.first, apart)
    }

    private mutating func leaves(of path: Path) -> [PathList.Member] {
        let backup = path.backup.first.flatMap { leaves(of: $0).first?.leaf }
        return ends(of: path).map { member in
            var leaf = member.leaf.carrying(path.labels, path.mode)
            if let backup { leaf.backup = [backup] }
            return PathList.Member(leaf: leaf, weight: member.weight)
        }
    }

    private mutating func ends(of path: Path) -> [PathList.Member] {
        switch path.target {
        case .neighbor(let address, let interface):
            return neighbor(address, on: interface)
        case .recursive(let address, let table):
            return recursive(address, table, viaHost: path.viaHost)
        case .glean(let interface), .broadcast(let interface):
            guard let interface = fib.interface(interface), interface.flags.isSuperset(of: .usable) else { return [] }
            return [result(list.forwarding)]
        case .receive:
            return [result(list.forwarding)]
        case .table(let table):
            return [result(Forwarding(.table, table.rawValue))]
        case .discard(let forwarding):
            return [result(forwarding)]
        }
    }

    private func result(_ forwarding: Forwarding) -> PathList.Member {
        PathList.Member(leaf: Leaf(end: .result(forwarding)), weight: 1)
    }

    private func neighbor(_ address: IPAddress, on index: InterfaceIndex) -> [PathList.Member] {
        guard let interface = fib.interface(index),
            let adjacency = try? fib.adjacencies.adjacency(to: address, on: interface)
        else { return [] }
        return [PathList.Member(leaf: Leaf(end: .adjacency(adjacency)), weight: 1)]
    }

    /// Follows the route that covers `address`.
    private mutating func recursive(_ address: IPAddress, _ table: TableIndex, viaHost: Bool) -> [PathList.Member] {
        guard let (prefix, cover) = fib.cover(of: address, in: table) else { return [] }
        if viaHost, prefix.length < prefix.family.bitCount, !isConnected(cover) { return [] }
        via.insert(cover.index)
        guard !leads(cover, to: list.index) else {
            isLoop = true
            return []
        }
        if case .glean(let interface)? = cover.paths.first?.target, cover.paths.count == 1 {
            return neighbor(address, on: interface)
        }
        if cover.state == .loop { isLoop = true }
        guard cover.state == .usable else { return [] }
        return cover.members.filter { isWay($0.leaf) }
    }

    private func isConnected(_ list: PathList) -> Bool {
        if case .glean? = list.paths.first?.target { true } else { false }
    }

    /// Whether a next hop can be there: packets to a next hop are sent, not delivered or discarded.
    private func isWay(_ leaf: Leaf) -> Bool {
        switch leaf.end {
        case .adjacency: true
        case .result(let forwarding): forwarding.kind == .table
        }
    }

    /// Whether a list leads, through whatever others, to the list in question.
    private func leads(_ from: PathList, to index: PathListIndex) -> Bool {
        var seen: Set<PathListIndex> = []
        var rest = [from.index]
        while let next = rest.popLast() {
            if next == index { return true }
            guard seen.insert(next).inserted, let list = fib.pathLists[next] else { continue }
            rest += list.via
        }
        return false
    }
}
