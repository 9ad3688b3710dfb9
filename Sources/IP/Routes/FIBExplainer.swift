// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Says in words what routes lead to, and why what does not work does not.
@ControlPlane
struct FIBExplainer {
    let fib: FIB

    // MARK: - Path-lists

    /// A path-list, and those that it leads through, each once.
    func chain(from list: PathList) -> [PathListDetail] {
        var details: [PathListDetail] = []
        var seen: Set<PathListIndex> = []
        var rest = [list.index]
        while let index = rest.first {
            rest.removeFirst()
            guard seen.insert(index).inserted, let list = fib.pathLists[index] else { continue }
            let detail = detail(of: list)
            details.append(detail)
            rest += detail.paths.compactMap { $0.resolvedBy?.pathList }
        }
        return details
    }

    func detail(of list: PathList) -> PathListDetail {
        let store = fib.pathLists.loadBalances
        let buckets = list.loadBalance.map { store.results(of: $0) } ?? [list.forwarding]
        let traffic = list.loadBalance.map { store.counters.count(of: $0) }
        let lowest = list.paths.map(\.preference).min() ?? 0
        let inUse = preferenceInUse(list)
        return PathListDetail(
            index: list.index, state: list.state, uses: list.references, isCounted: list.isCounted,
            loadBalance: list.loadBalance, buckets: buckets.count, packets: traffic?.packets, bytes: traffic?.bytes,
            paths: list.paths.map { detail(of: $0, in: list, isInUse: $0.preference == inUse ?? lowest) },
            members: members(of: list, buckets))
    }

    /// The preference whose paths the members are: the first that works.
    private func preferenceInUse(_ list: PathList) -> Int? {
        guard list.state == .usable else { return nil }
        for preference in Set(list.paths.map(\.preference)).sorted() {
            let works = list.paths.contains { path in
                path.preference == preference && problem(of: path, in: list) == nil
            }
            if works { return preference }
        }
        return nil
    }

    /// Results of the load-balance, those of dead members included, with the number of buckets of each.
    private func members(of list: PathList, _ buckets: [Forwarding]) -> [MemberDetail] {
        var order: [Forwarding] = []
        var counts: [Forwarding: Int] = [:]
        for result in buckets + list.results {
            if counts[result] == nil { order.append(result) }
            counts[result, default: 0] += 0
        }
        for result in buckets { counts[result, default: 0] += 1 }
        return order.filter { $0 != .noRoute }.map { detail(of: $0, buckets: counts[$0] ?? 0, of: buckets.count) }
    }

    private func detail(of result: Forwarding, buckets: Int, of total: Int) -> MemberDetail {
        let path = result.kind == .path ? fib.paths.table[result.index] : nil
        let adjacency = fib.pathLists.adjacency(of: result) ?? (result.kind == .glean ? result.index : nil)
        let record = adjacency.map { fib.adjacencies.table[$0] }
        let backup = path.flatMap { $0.backup == .noRoute ? nil : $0.backup } ?? record?.backup
        return MemberDetail(
            leadsTo: result.word, nextHop: record?.neighbor,
            interface: record.flatMap { fib.interface($0.txInterface)?.name }, adjacency: adjacency,
            path: path == nil ? nil : result.index, labels: path.map { labels(of: $0) } ?? [], buckets: buckets,
            share: Double(buckets) / Double(max(1, total)),
            state: adjacency.map { result.kind == .glean ? "connected" : state(of: $0) } ?? "",
            backup: backup.flatMap { $0 == .noRoute ? nil : name(of: $0) })
    }

    func labels(of path: PathRecord) -> [UInt32] {
        withUnsafeBytes(of: path.labels) { Array($0.bindMemory(to: UInt32.self).prefix(Int(path.labelCount))) }
    }

    // MARK: - Paths

    private func detail(of path: Path, in list: PathList, isInUse: Bool) -> PathDetail {
        PathDetail(
            target: text(path), weight: path.weight, preference: path.preference, labels: path.labels,
            ttl: path.labels.isEmpty ? nil : path.mode, backup: path.backup.first.map { text($0) }, inUse: isInUse,
            bfd: fib.watches.state(of: path), resolvedBy: resolution(of: path), problem: problem(of: path, in: list))
    }

    func text(_ path: Path) -> String {
        func name(_ index: InterfaceIndex) -> String { fib.interface(index)?.name ?? "interface \(index)" }
        func table(_ index: TableIndex) -> String { fib.table(index)?.name ?? "\(index.rawValue)" }
        switch path.target {
        case .neighbor(let address, let interface): return "\(address) on \(name(interface))"
        case .recursive(let address, let index):
            let place = index == .main ? "" : " in \(table(index))"
            return "via \(address)\(place)\(path.viaHost ? ", host route" : "")"
        case .glean(let interface): return "hosts on \(name(interface))"
        case .receive(let interface): return interface == 0 ? "this router" : "this router, on \(name(interface))"
        case .broadcast(let interface): return "broadcast on \(name(interface))"
        case .table(let index): return "lookup in \(table(index))"
        case .discard(let forwarding): return forwarding.word
        }
    }

    private func resolution(of path: Path) -> PathDetail.Resolution? {
        guard case .recursive(let address, let index) = path.target, let table = fib.table(index),
            let (prefix, list) = cover(of: address, in: table, viaHost: path.viaHost)
        else { return nil }
        return PathDetail.Resolution(prefix: prefix, vrf: table.name, pathList: list.index)
    }

    /// The route that leads to a next hop; where none does, the one that would if it could be used.
    private func cover(of address: IPAddress, in table: VRF, viaHost: Bool) -> (IPPrefix, PathList)? {
        let found = fib.cover(of: address, in: table.index)
        if let (prefix, list) = found, !viaHost || isHostRoute(prefix, list) { return found }
        return fib.unusable(to: address, in: table).first ?? found
    }

    /// Whether it does for a path with `viaHost`; a neighbour that is not known yet has none.
    private func isHostRoute(_ prefix: IPPrefix, _ list: PathList) -> Bool {
        if case .glean? = list.paths.first?.target { return true }
        return prefix.length == prefix.family.bitCount
    }

    /// Why packets cannot take a path now; nil when they can.
    private func problem(of path: Path, in list: PathList) -> String? {
        switch path.target {
        case .neighbor(let address, let interface):
            let key = NeighborKey(interface: interface, address: address)
            guard let index = fib.adjacencies.existing(key) else { return problem(of: interface) }
            return fib.adjacencies.table[index].status.isDown ? state(of: index) : nil
        case .glean(let index), .broadcast(let index):
            return problem(of: index)
        case .recursive(let address, let index):
            if let lost = fib.lostHops[PathList.Hop(address: address, table: index)] { return lost.reason }
            guard let table = fib.table(index),
                let (prefix, cover) = cover(of: address, in: table, viaHost: path.viaHost)
            else { return "no route leads to \(address)" }
            if fib.pathLists.leads(cover, to: list.index) { return "\(prefix) leads back to this path-list" }
            if path.viaHost, !isHostRoute(prefix, cover) { return "\(prefix) is no host route" }
            if cover.state != .usable { return "\(prefix) is \(cover.state.rawValue)" }
            if case .glean? = cover.paths.first?.target { return nil }
            let works = cover.members.contains { member in
                guard case .result(let forwarding) = member.leaf.end else { return fib.pathLists.isUsable(member.leaf) }
                return forwarding.kind == .table
            }
            return works ? nil : "\(prefix) sends packets nowhere"
        case .receive, .table, .discard: return nil
        }
    }

    private func problem(of index: InterfaceIndex) -> String? {
        guard let interface = fib.interface(index) else { return "there is no such interface" }
        return interface.flags.isSuperset(of: .usable) ? nil : "\(interface.name) is down"
    }

    // MARK: - Adjacencies

    /// "ready", "not resolved", or what speaks against the neighbour.
    func state(of index: AdjacencyIndex) -> String {
        let status = fib.adjacencies.table[index].status
        var problems = status.failures.words
        if status.isBFDDown { problems.append("BFD down") }
        if !problems.isEmpty { return problems.joined(separator: ", ") }
        return status.isResolved ? "ready" : "not resolved"
    }

    /// "10.0.0.2 on lan0 with labels 100 7".
    func name(of result: Forwarding) -> String {
        guard let index = fib.pathLists.adjacency(of: result) else { return result.word }
        let record = fib.adjacencies.table[index]
        let place = fib.interface(record.txInterface).map { " on \($0.name)" } ?? ""
        let labels = result.kind == .path ? labels(of: fib.paths.table[result.index]) : []
        let stack = labels.isEmpty ? "" : " with labels \(labels.map(String.init).joined(separator: " "))"
        return "\(record.neighbor.map { "\($0)" } ?? "hosts")\(place)\(stack)"
    }
}

extension AdjacencyStatus.Failures {
    var words: [String] {
        let all: [(AdjacencyStatus.Failures, String)] = [
            (.link, "link down"), (.neighbor, "no answer"), (.command, "taken down by command"),
            (.waitToRestore, "waiting to restore"), (.stopped, "IPv6 stopped"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}
