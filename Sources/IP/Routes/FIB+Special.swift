// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// Routes that hold in every table by themselves.
extension FIB {
    /// Broadcasts and groups are for the router, which then knows whom within; addresses of one link are found with the
    /// interface noted in them (`IPv6Address.scoped`), or not at all.
    static let specialRoutes: [(prefix: IPPrefix, target: Path.Target)] = [
        (.v4(IPv4Prefix(.broadcast, length: 32)), .receive(0)),
        (.v4(IPv4Prefix(IPv4Address(224, 0, 0, 0), length: 24)), .receive(0)),
        (.v6(.linkLocal), .discard(.unreachable)),
        (.v6(.multicast), .receive(0)),
    ]

    func addSpecialRoutes(to table: VRF) throws(RouteError) {
        for (prefix, target) in FIB.specialRoutes {
            try setRoute(prefix, [Path(target)], from: .special, in: table)
        }
    }
}
