// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// Backups that an operator or another feature sets for next hops.
extension FastReroute {
    /// Protects a next hop, with everything that leads there, by another way; in place of what protected it before.
    ///
    /// - Parameters:
    ///   - nextHop: A neighbour, known or not.
    ///   - backup: A neighbour, or an address that routes lead to, with or without labels. It must not lead back to this
    ///     router while the next hop is down (RFC 5286 section 3.1): only who knows the network can tell.
    ///   - policy: nil for the router's.
    /// - Throws: `RouteError` when there can be no such neighbour, or no such backup.
    public func protect(
        _ nextHop: IPAddress, on interface: Interface, by backup: Path, policy: RestorationPolicy? = nil
    ) throws(RouteError) {
        let index = try adjacencies.adjacency(to: nextHop, on: interface)
        adjacencies.retain(index)
        guard let protection = entry(index) else { return }
        defer { discard(protection) }
        let hadOwn = protection.own?.scope == .nextHop
        do throws(RouteError) {
            try set(backup, of: protection, .nextHop)
            protection.policy = policy
            // Of the two, one was there already.
            if hadOwn { adjacencies.release(index) }
        } catch {
            adjacencies.release(index)
            throw error
        }
    }

    /// Ends what `protect` did; false when there is nothing of it. A backup of the whole link is in force again.
    @discardableResult
    public func unprotect(_ nextHop: IPAddress, on interface: Interface) -> Bool {
        let key = NeighborKey(interface: interface.index, address: nextHop)
        guard let index = adjacencies.existing(key), let protection = protections[index],
            protection.own?.scope == .nextHop
        else { return false }
        protection.policy = nil
        remove(protection)
        if let link = links[interface.index] { attempt(link.path, protection) }
        discard(protection)
        adjacencies.release(index)
        return true
    }

    /// Protects every next hop on the interface's link that has no backup of its own, now and later.
    public func protect(_ interface: Interface, by backup: Path, policy: RestorationPolicy? = nil) throws(RouteError) {
        // Found out before anything is changed.
        let list = try fib.pathLists.acquire([backup])
        defer { fib.pathLists.release(list.index) }
        links[interface.index] = (backup, policy)
        for index in adjacencies.indices(on: interface.index).sorted() {
            guard let protection = entry(index), protection.own?.scope != .nextHop else { continue }
            try set(backup, of: protection, .link)
        }
    }

    // MARK: - Coming and going

    func presenceChanged(_ index: AdjacencyIndex, _ isPresent: Bool) {
        if isPresent {
            guard let link = links[table[index].txInterface], let protection = entry(index) else { return }
            attempt(link.path, protection)
            return
        }
        for primary in backupUses[index]?.keys.sorted() ?? []
        where protections[primary]?.successors.remove(index) != nil {
            countUse(of: index, by: primary, -1)
        }
        if let protection = protections[index] {
            forgetSuccessors(protection)
            remove(protection)
            if let timer = protection.timer { engine.timers.cancel(timer) }
            protections[index] = nil
        }
    }

    private func attempt(_ path: Path, _ protection: Protection) {
        do throws(RouteError) {
            try set(path, of: protection, .link)
        } catch {
            engine.log.error("fast reroute: \(protection.key.address) stays unprotected: \(error)")
        }
    }

    private func set(_ path: Path, of protection: Protection, _ scope: OwnBackup.Scope) throws(RouteError) {
        var path = path
        path.backup = []
        let list = try fib.pathLists.acquire([path])
        let old = protection.own
        protection.own = OwnBackup(scope: scope, path: path, list: list.index, forwarding: old?.forwarding ?? .noRoute)
        if let old { fib.pathLists.release(old.list) }
        update(protection)
    }

    private func remove(_ protection: Protection) {
        guard let own = protection.own else { return }
        adjacencies.setBackup(.noRoute, of: protection.adjacency)
        protection.own = nil
        drop(own.forwarding, protection)
        fib.pathLists.release(own.list)
    }

    private func drop(_ forwarding: Forwarding, _ protection: Protection) {
        countUse(of: forwarding, by: protection.adjacency, -1)
        // Workers may be on their way along it.
        engine.retire { [weak paths = fib.paths] in paths?.release(forwarding) }
    }

    // MARK: - Following

    /// Ways have come to lead elsewhere.
    func listsChanged(_ lists: Set<PathListIndex>) {
        for protection in protections.values {
            if let own = protection.own, lists.contains(own.list) { update(protection) }
        }
    }

    /// Writes down for workers what the next hop's backup comes to now.
    private func update(_ protection: Protection) {
        guard let own = protection.own else { return }
        var new = Forwarding.noRoute
        do throws(RouteError) {
            if let leaf = leaf(own, for: protection.adjacency) { new = try fib.paths.acquire(leaf) }
        } catch {
            engine.log.error("fast reroute: \(protection.key.address) stays unprotected: \(error)")
        }
        guard new != own.forwarding else { return fib.paths.release(new) }
        protection.own?.forwarding = new
        countUse(of: new, by: protection.adjacency, 1)
        adjacencies.setBackup(new, of: protection.adjacency)
        drop(own.forwarding, protection)
    }

    /// The first way that does not lead through the next hop itself; one that can be used, if there is one.
    private func leaf(_ own: OwnBackup, for primary: AdjacencyIndex) -> Leaf? {
        let leaves = fib.pathLists[own.list]?.members.map(\.leaf).filter {
            $0.adjacency != nil && $0.adjacency != primary
        }
        var found = leaves?.first { fib.pathLists.isUsable($0) } ?? leaves?.first
        found?.backup = []
        return found
    }
}
