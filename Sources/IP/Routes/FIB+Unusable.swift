// SPDX-License-Identifier: Apache-2.0
import Wire

// Routes of which none can be used: for who asks why.
extension RIB {
    /// Prefixes with such routes in order, at most `limit`, each with its best source's.
    func unusableEntries(limit: Int) -> [Entry] {
        unusable.lazy.prefix(limit).compactMap { self.entries(for: $0.prefix).first }
    }

    /// Those that contain `address`, the longest first.
    func unusableEntries(to address: Prefix.Address) -> [Entry] {
        var found: [Entry] = []
        var route = unusable.longestMatch(address)
        while let prefix = route?.prefix {
            found += entries(for: prefix).prefix(1)
            route = unusable.cover(of: prefix)
        }
        return found
    }
}

extension FIB {
    /// Prefixes with routes of which none can be used that contain `address`, the longest first, with the best source's paths.
    func unusable(to address: IPAddress, in table: VRF) -> [(prefix: IPPrefix, list: PathList)] {
        func found<Prefix>(_ entries: [RIB<Prefix>.Entry], _ wrap: (Prefix) -> IPPrefix) -> [(IPPrefix, PathList)] {
            entries.compactMap { entry in pathLists[entry.list].map { (wrap(entry.prefix), $0) } }
        }
        switch address {
        case .v4(let address): return found(table.ip4.unusableEntries(to: address)) { .v4($0) }
        case .v6(let address): return found(table.ip6.unusableEntries(to: address)) { .v6($0) }
        }
    }
}
