// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// What `show frr` tells.
extension FastReroute {
    func report(only address: IPAddress? = nil) -> FastRerouteReport {
        let shown = protections.values.filter { $0.isProtected && (address == nil || $0.key.address == address) }
        return FastRerouteReport(
            nextHops: shown.sorted { ($0.key.interface, $0.key.address) < ($1.key.interface, $1.key.address) }.map(row),
            unprotected: unprotected(only: address))
    }

    func historyReport(only address: IPAddress? = nil) -> SwitchReport {
        SwitchReport(switches: switches.filter { address == nil || $0.nextHop == address }.map(SwitchReport.Row.init))
    }

    private func row(_ protection: Protection) -> FastRerouteReport.Row {
        let status = table[protection.adjacency].status
        return FastRerouteReport.Row(
            nextHop: protection.key.address, interface: name(of: protection.key.interface),
            state: state(protection, status), reason: history[protection.current]?.reason,
            scope: protection.own?.scope.rawValue ?? "path", paths: protection.paths.count,
            backup: backupText(protection), backupState: backupState(protection), note: note(protection),
            restoresInSeconds: protection.deadline.map { ProtectionSwitch.seconds(from: Clock.now, to: $0) },
            failuresInRow: protection.failures, waitMilliseconds: wait(protection), switches: protection.switches,
            flaps: protection.flaps)
    }

    private func state(_ protection: Protection, _ status: AdjacencyStatus) -> FastRerouteReport.State {
        guard status.isDown else { return .primary }
        if !hasUsableBackup(protection) { return .down }
        if protection.phase != .waiting { return .backup }
        return protection.deadline == nil ? .held : .waiting
    }

    private func hasUsableBackup(_ protection: Protection) -> Bool {
        if protection.successors.contains(where: { !table[$0].status.isDown }) { return true }
        let backups =
            [protection.own?.forwarding].compactMap { $0 } + protection.paths.map { fib.paths.table[$0].backup }
        return backups.contains { backup in neighbor(of: backup).map { !table[$0].status.isDown } ?? false }
    }

    private func backupState(_ protection: Protection) -> FastRerouteReport.BackupState {
        if hasReadyBackup(protection) { return .ready }
        if hasUsableBackup(protection) { return .unresolved }
        return backupText(protection) == nil ? .none : .down
    }

    /// What the operator should know about the protection.
    private func note(_ protection: Protection) -> String? {
        guard let own = protection.own else { return nil }
        guard let neighbor = neighbor(of: own.forwarding) else {
            return "unprotected: no route leads to \(FastReroute.words(own.path)), or only by the next hop itself"
        }
        if table[neighbor].txInterface == protection.key.interface {
            return "the backup is on the same link: it helps when the neighbour fails, not when the link does"
        }
        return nil
    }

    private static func words(_ path: Path) -> String {
        switch path.target {
        case .neighbor(let address, _), .recursive(let address, _): "\(address)"
        default: "the backup"
        }
    }

    /// Next hops that routes use, and that nothing takes over for.
    private func unprotected(only address: IPAddress?) -> [FastRerouteReport.Unprotected] {
        adjacencies.indices.compactMap { index in
            guard let key = adjacencies.key(of: index), table[index].neighbor != nil,
                address == nil || key.address == address, protections[index]?.isProtected != true,
                let use = use(of: index), backupUses[index] == nil
            else { return nil }
            return FastRerouteReport.Unprotected(
                nextHop: key.address, interface: name(of: key.interface), isDown: table[index].status.isDown,
                reason: use)
        }
    }

    /// Why it needs no backup or has none; nil when no route but the neighbour's own uses it.
    private func use(of index: AdjacencyIndex) -> String? {
        let lists = fib.pathLists.users(of: index).compactMap { fib.pathLists[$0] }
        let routes = lists.reduce(0) { $0 + $1.references }
        guard let key = adjacencies.key(of: index), routes > (neighbors[key]?.hasRoute == true ? 1 : 0) else {
            return nil
        }
        return lists.allSatisfy { $0.paths.count > 1 }
            ? "no backup; other paths of the same routes take over" : "no backup"
    }
}
