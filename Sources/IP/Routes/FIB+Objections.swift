// SPDX-License-Identifier: Apache-2.0
import Wire

// What cannot be a route's paths.
extension FIB {
    /// What speaks against paths, whatever the state of the router's tables; nil when nothing does.
    func objection(to paths: [Path]) -> RouteError? {
        if paths.isEmpty { return RouteError("a route needs a path", "give a next hop") }
        if paths.count > LoadBalanceStore.maximumBuckets {
            return RouteError("\(paths.count) paths are too many", "give \(LoadBalanceStore.maximumBuckets) at most")
        }
        return paths.lazy.compactMap { self.objection(to: $0) }.first
    }

    private func objection(to path: Path) -> RouteError? {
        if path.labels.count > PathRecord.labelCapacity { return .tooManyLabels(path.labels.count) }
        if let objection = path.labels.lazy.compactMap(RouteError.objection(toOutgoing:)).first { return objection }
        if !(1...255).contains(path.weight) {
            return RouteError("a path's weight cannot be \(path.weight)", "give 1 to 255")
        }
        if path.backup.count > 1 || path.backup.contains(where: { !$0.backup.isEmpty }) {
            return RouteError("a path has one backup, which has none", "remove the others")
        }
        switch path.target {
        case .neighbor(let address, let interface):
            if self.interface(interface) == nil { return .noInterface(interface) }
            if !address.isOneHost { return .notOneHost(address) }
        case .recursive(let address, let table):
            if self.table(table) == nil { return .noTable(table) }
            if !address.isOneHost { return .notOneHost(address) }
        case .table(let table):
            if self.table(table) == nil { return .noTable(table) }
            return objectionWithoutNeighbor(path)
        case .glean, .receive, .broadcast, .discard: return objectionWithoutNeighbor(path)
        }
        return objection(toBackupOf: path)
    }

    private func objectionWithoutNeighbor(_ path: Path) -> RouteError? {
        if path.labels.isEmpty, path.backup.isEmpty, path.bfd == nil { return nil }
        return RouteError("labels, backups and BFD go with a next hop alone", "remove them")
    }

    private func objection(toBackupOf path: Path) -> RouteError? {
        guard let backup = path.backup.first else { return nil }
        switch backup.target {
        case .neighbor(let address, _), .recursive(let address, _):
            if backup.target == path.target, backup.labels == path.labels {
                return RouteError("\(address) cannot be its own backup", "give another next hop")
            }
            return objection(to: backup)
        default: return RouteError("a backup leads to a next hop", "give a neighbour's address")
        }
    }
}

extension RouteError {
    static func noTable(_ index: TableIndex) -> RouteError {
        RouteError("there is no table number \(index.rawValue)", "make it first")
    }

    static func notOneHost(_ address: IPAddress) -> RouteError {
        RouteError("\(address) is not one host's address", "give a neighbour's")
    }
}
