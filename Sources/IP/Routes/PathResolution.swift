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
    /// What the result depends on: a change of any of it asks for a new resolution.
    private(set) var via: Set<PathListIndex> = []
    /// Path-lists that would lead to a next hop if they worked.
    private(set) var passed: Set<PathListIndex> = []
    private(set) var hops: Set<PathList.Hop> = []
    private(set) var neighbors: Set<AdjacencyIndex> = []
    /// The first thing that could not be made.
    private(set) var error: RouteError?
    private var isLoop = false
    /// Tables that lead to each other while a next hop is followed.
    private var depth = 0

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
        var found: [PathList.Member] = []
        for path in list.paths where path.preference == preference { found += members(of: path) }
        return found
    }

    /// The path's share of the traffic, on however many neighbours it comes to. A path that comes to none keeps its place, so
    /// that the others' flows stay where they are while it is away.
    private mutating func members(of path: Path) -> [PathList.Member] {
        let leaves = leaves(of: path)
        guard !leaves.isEmpty else { return [PathList.Member(leaf: .nowhere, weight: Double(path.weight))] }
        let sum = leaves.reduce(0) { $0 + $1.weight }
        return leaves.map { PathList.Member(leaf: $0.leaf, weight: Double(path.weight) * $0.weight / sum) }
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
        var backups = path.backup.first.map { leaves(of: $0) } ?? []
        // Packets take one turn: a backup's own backup might lead back.
        for place in backups.indices { backups[place].leaf.backup = [] }
        let ends = ends(of: path)
        // Nothing leads to the next hop any more: the backup has its place.
        guard !ends.isEmpty else { return backups }
        return ends.map { member in
            var leaf = member.leaf.carrying(path.labels, path.mode)
            if let backup = backups.first { leaf.backup = [backup.leaf] }
            return PathList.Member(leaf: leaf, weight: member.weight)
        }
    }

    private mutating func ends(of path: Path) -> [PathList.Member] {
        switch path.target {
        case .neighbor(let address, let interface): return neighbor(address, on: interface)
        case .recursive(let address, let table): return recursive(address, table, viaHost: path.viaHost)
        case .glean(let index):
            // Whoever it is for, the other end takes it.
            if fib.isPointToPoint(index) { return neighbor(.v4(.any), on: index) }
            return glean(index) { Forwarding(.glean, $0) }
        case .broadcast(let index): return glean(index) { .broadcast($0) }
        case .receive(let index):
            // The router's own address answers whatever the state of its interface.
            return index == 0 ? [result(.receive)] : [result(gleanAdjacency(index).map { Forwarding(.local, $0) })]
        case .table(let table): return [result(Forwarding(.table, table.rawValue))]
        case .discard(let forwarding): return [result(forwarding)]
        }
    }

    private func result(_ forwarding: Forwarding?) -> PathList.Member {
        PathList.Member(leaf: forwarding.map { Leaf(end: .result($0)) } ?? .nowhere, weight: 1)
    }

    private mutating func glean(_ index: InterfaceIndex, _ body: (AdjacencyIndex) -> Forwarding) -> [PathList.Member] {
        guard let interface = fib.interface(index), interface.flags.isSuperset(of: .usable) else { return [] }
        return [result(gleanAdjacency(index).map(body))]
    }

    private mutating func gleanAdjacency(_ index: InterfaceIndex) -> AdjacencyIndex? {
        guard let interface = fib.interface(index) else { return nil }
        do throws(RouteError) {
            return try fib.adjacencies.glean(interface)
        } catch {
            note(error)
            return nil
        }
    }

    private mutating func neighbor(_ address: IPAddress, on index: InterfaceIndex) -> [PathList.Member] {
        guard let interface = fib.interface(index) else { return [] }
        fib.watch(interface)
        do throws(RouteError) {
            let adjacency = try fib.adjacencies.adjacency(to: address, on: interface)
            neighbors.insert(adjacency)
            // Its backup decides whether it can do without the neighbour.
            let backup = fib.pathLists.adjacency(of: fib.adjacencies.table[adjacency].backup)
            if let backup { neighbors.insert(backup) }
            return [PathList.Member(leaf: Leaf(end: .adjacency(adjacency)), weight: 1)]
        } catch {
            note(error)
            return []
        }
    }

    private mutating func note(_ error: RouteError) { self.error = self.error ?? error }

    // MARK: - Through other routes

    /// Follows the route that covers `address`.
    private mutating func recursive(_ address: IPAddress, _ table: TableIndex, viaHost: Bool) -> [PathList.Member] {
        let hop = PathList.Hop(address: address, table: table)
        hops.insert(hop)
        guard fib.lostHops[hop] == nil else { return [] }
        guard let (prefix, cover) = fib.cover(of: address, in: table, passing: { passed.insert($0) }) else { return [] }
        if viaHost, prefix.length < prefix.family.bitCount, !isConnected(cover) { return [] }
        via.insert(cover.index)
        guard !fib.pathLists.leads(cover, to: list.index) else {
            isLoop = true
            return []
        }
        if case .glean(let interface)? = cover.paths.first?.target, cover.paths.count == 1 {
            return neighbor(address, on: interface)
        }
        if cover.state == .loop { isLoop = true }
        guard cover.state == .usable else { return [] }
        // The cover's members are followed by their states, which decide about this list as well.
        neighbors.formUnion(cover.neighbors)
        return cover.members.flatMap { follow($0, address, viaHost) }
    }

    /// A next hop is sent to, not delivered or discarded; where its route leads to another table, it is looked for there.
    private mutating func follow(_ member: PathList.Member, _ address: IPAddress, _ viaHost: Bool) -> [PathList.Member]
    {
        guard case .result(let forwarding) = member.leaf.end else { return [member] }
        guard forwarding.kind == .table else { return [] }
        guard depth < Balancer.depth else {
            isLoop = true
            return []
        }
        depth += 1
        defer { depth -= 1 }
        let found = recursive(address, TableIndex(rawValue: forwarding.index), viaHost: viaHost)
        let sum = found.reduce(0) { $0 + $1.weight }
        return found.map { PathList.Member(leaf: $0.leaf, weight: member.weight * $0.weight / sum) }
    }

    private func isConnected(_ list: PathList) -> Bool {
        if case .glean? = list.paths.first?.target { true } else { false }
    }
}
