// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging

// What path-lists come to in their load-balances, also where tables are full.
extension PathListStore {
    /// Puts the list's members in force.
    /// - Returns: What there is no room for. A member without room is left out, and where there are no buckets to be had,
    ///   those that are there take what they can: nothing that does not work stays in force.
    func publish(_ list: PathList, in loadBalance: UInt32) -> RouteError? {
        let old = list.results
        var shortage: RouteError?
        let results = list.members.map { acquire($0.leaf, &shortage) }
        let wanted = buckets(of: list, results)
        let current = loadBalances.results(of: loadBalance)
        if wanted != current {
            do throws(RouteError) {
                try loadBalances.publish(wanted, in: loadBalance)
            } catch {
                shortage = shortage ?? error
                squeeze(wanted, current, in: loadBalance)
            }
        }
        list.results = results
        if !old.isEmpty { engine.retire { [weak paths] in for result in old { paths?.release(result) } } }
        return shortage
    }

    /// Puts as much of it in force as there are buckets for: fewer others, or those that are there.
    private func squeeze(_ wanted: [Forwarding], _ current: [Forwarding], in loadBalance: UInt32) {
        var count = wanted.count / 2
        while count > current.count {
            let repeated = (0..<count).map { current[$0 & (current.count - 1)] }
            do throws(RouteError) {
                return try loadBalances.publish(LoadBalanceStore.fit(wanted, into: repeated), in: loadBalance)
            } catch {
                count /= 2
            }
        }
        loadBalances.overwrite(LoadBalanceStore.fit(wanted, into: current), in: loadBalance)
    }

    /// The leaf's result. Where there is no room, without its backup; else none.
    private func acquire(_ leaf: Leaf, _ shortage: inout RouteError?) -> Forwarding {
        do throws(RouteError) {
            return try paths.acquire(leaf)
        } catch {
            shortage = shortage ?? error
        }
        return (try? paths.acquire(leaf.bare)) ?? .noRoute
    }

    /// What the list's load-balance holds, when `results` are its members' and there is room.
    func buckets(of list: PathList, _ results: [Forwarding]) -> [Forwarding] {
        let usable = zip(list.members, results).map { isUsable($0.leaf, as: $1) }
        let owners = LoadBalanceStore.deal(
            weights: list.members.map(\.weight), usable: usable, owners: list.owners?.map(Int.init))
        return owners.isEmpty ? [list.state == .loop ? .loop : .nextHopDown] : owners.map { results[$0] }
    }

    /// Whether a packet can leave by a leaf of which there may have been no room for the backup.
    private func isUsable(_ leaf: Leaf, as result: Forwarding) -> Bool {
        if result == .noRoute { return false }
        let hasBackup = result.kind == .path && paths.table[result.index].backup != .noRoute
        return isUsable(leaf.backup.isEmpty || hasBackup ? leaf : leaf.bare)
    }

    // MARK: - Flows stay where they are

    /// Who has which bucket while all members are there, so that those who were there before keep theirs.
    /// - Returns: Nil where nobody was, or nothing differs from dealing them afresh.
    func owners(for members: [PathList.Member], after former: PathList) -> [UInt8]? {
        guard members.count > 1, former.members.count > 1, let loadBalance = former.loadBalance else { return nil }
        let weights = members.map(\.weight)
        let places = PathListStore.places(of: former.members, among: members)
        guard places.contains(where: { $0 != nil }) else { return nil }
        // Who takes another's place takes its buckets.
        if weights == former.members.map(\.weight), places.indices.allSatisfy({ places[$0] ?? $0 == $0 }) {
            return former.owners
        }
        let owners =
            former.owners?.map(Int.init) ?? LoadBalanceStore.owners(weights: former.members.map(\.weight))
        let inForce = loadBalances.results(of: loadBalance)
        let holders = (0..<max(owners.count, inForce.count)).map { bucket -> Int? in
            if let place = places[owners[bucket & (owners.count - 1)]] { return place }
            // Whoever stands in for a member that is away, and does not come back.
            let heir = former.results.firstIndex(of: inForce[bucket & (inForce.count - 1)])
            return heir.flatMap { $0 < places.count ? places[$0] : nil }
        }
        return LoadBalanceStore.redeal(weights: weights, holders: holders)
    }

    /// Where the members are among others; nil for those that are not.
    private static func places(of members: [PathList.Member], among others: [PathList.Member]) -> [Int?] {
        var places: [Leaf: [Int]] = [:]
        for (place, member) in others.enumerated().reversed() { places[member.leaf.bare, default: []].append(place) }
        return members.map { places[$0.leaf.bare]?.popLast() }
    }

    // MARK: - Want of room

    /// Lists that one attempt tries again.
    private nonisolated static let retryCount = 100
    /// Milliseconds between what gives room and the attempt.
    private nonisolated static let retryInterval = 100

    /// Remembers for which lists there was no room. It is said once, until there has been for all of them.
    func note(shortage: RouteError?, of list: PathList) {
        guard let shortage else {
            guard list.isShort else { return }
            list.isShort = false
            short.removeAll { $0 == list.index }
            if short.isEmpty { engine.log.notice("there is room again for all next hops of all routes") }
            return
        }
        guard !list.isShort else { return }
        list.isShort = true
        if short.isEmpty {
            engine.log.error(
                "no room for a change of next hops: \(shortage); until there is, routes use fewer of them, or in other shares"
            )
        }
        short.append(list.index)
    }

    /// Something has been given back to a table.
    func roomAppeared() {
        guard !short.isEmpty, !isRetrying else { return }
        isRetrying = true
        engine.timers.after(milliseconds: PathListStore.retryInterval) { [weak self] in self?.retry() }
    }

    private func retry() {
        isRetrying = false
        let tried = short.prefix(PathListStore.retryCount)
        let before = short.count
        // Who fails again is the last to be tried next time.
        short = Array(short.dropFirst(tried.count)) + tried
        dirty.formUnion(tried)
        if batchDepth == 0 { flush() }
        if short.count < before { roomAppeared() }
    }
}

extension Leaf {
    /// The same without its backup.
    fileprivate var bare: Leaf {
        var leaf = self
        (leaf.backup, leaf.isBackupAutomatic) = ([], false)
        return leaf
    }
}
