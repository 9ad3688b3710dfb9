// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The routes that the file has, as read: whether something leads to each next hop that is no neighbour is known when all
/// of them are.
struct RoutePlan {
    private var prefixes: [String: Set<IPPrefix>] = [:]
    private var files: [(table: String, file: RouteFile)] = []
    private var hops: [Hop] = []
    /// The route that is being read: it does not lead to its own next hops.
    private var current: IPPrefix?

    private struct Hop {
        let address: IPAddress
        let table: String
        let setting: Setting
        let own: IPPrefix?
        /// In a file of routes, which and where: "routes.txt:7".
        let place: String?
    }

    /// From here on next hops are those of a route to `prefix`, which is in `table`; nil: of a file of routes.
    mutating func begin(_ prefix: IPPrefix?, in table: String) {
        current = prefix
        if let prefix { prefixes[table, default: []].insert(prefix) }
    }

    mutating func add(_ file: RouteFile, in table: String) { files.append((table, file)) }

    mutating func mustLead(to address: IPAddress, in table: String, _ setting: Setting, place: String? = nil) {
        hops.append(Hop(address: address, table: table, setting: setting, own: current, place: place))
    }

    /// The next hops to which nothing leads.
    func errors() -> [ConfigurationError] {
        var missing = hops.filter { !isCovered($0) }
        for (table, file) in files where missing.contains(where: { $0.table == table }) {
            // Read before: it has no errors.
            try? file.forEach { entry in
                missing.removeAll { $0.table == table && entry.prefix.contains($0.address) }
            }
        }
        return missing.map { hop in
            if let own = hop.own, own.contains(hop.address) {
                return hop.setting.error(
                    "the route to \(own) would lead to \(hop.address) by itself",
                    "give a neighbour's address, or a route to \(hop.address)")
            }
            let error = RouteError.nothingLeads(to: hop.address, in: hop.table)
            guard let place = hop.place else { return hop.setting.error(error) }
            return hop.setting.error("\(place): \(error.problem)", error.remedy)
        }
    }

    private func isCovered(_ hop: Hop) -> Bool {
        guard let prefixes = prefixes[hop.table] else { return false }
        return (0...hop.address.family.bitCount).contains { length in
            let prefix = IPPrefix(hop.address, length: length)
            return prefix != hop.own && prefixes.contains(prefix)
        }
    }
}
