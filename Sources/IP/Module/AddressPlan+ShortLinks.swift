// SPDX-License-Identifier: Apache-2.0
import Graph

// IPv6 on links that cannot carry it (RFC 8200 section 5). Where the device has the MTU, `IPInterfaces` finds them out.
extension AddressPlan {
    /// The interfaces with IPv6 whose MTU is too small for it, as far as the file says how long their packets are.
    func objectionsToShortLinks(in file: Setting) -> [ConfigurationError] {
        guard let interfaces = file["interfaces"], let entries = try? interfaces.map else { return [] }
        return entries.compactMap { entry in
            guard hasIPv6(entry.key), let (place, mtu) = AddressPlan.mtu(of: entry.value, among: interfaces),
                mtu < IPInterfaces.leastIPv6MTU
            else { return nil }
            let least = IPInterfaces.leastIPv6MTU
            return place.error(
                "\(entry.key) has IPv6 and packets of \(mtu) bytes, where IPv6 wants \(least)",
                "give \(least) or more, or take the IPv6 addresses off \(entry.key)")
        }
    }

    /// What the file says about the longest packet of an interface, and where: its own entry, or its port's. A second tag
    /// takes four bytes.
    private static func mtu(of entry: Setting, among interfaces: Setting) -> (place: Setting, mtu: Int)? {
        let range = 0...Int(UInt32.max)
        if let place = entry["mtu"] { return (try? place.integer(in: range)).map { (place, $0) } }
        guard let port = try? entry["parent"]?.string, let place = interfaces[port]?["mtu"],
            let mtu = try? place.integer(in: range)
        else { return nil }
        return (place, entry["second-dot1q"] == nil ? mtu : mtu - 4)
    }
}
