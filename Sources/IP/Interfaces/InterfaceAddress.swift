// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// An interface's own address with the length of its network's prefix: `10.0.0.1/24`, `2001:db8::1/64`.
public struct InterfaceAddress: Hashable, Sendable, CustomStringConvertible {
    public let address: IPAddress
    public let network: IPPrefix

    /// `length` must be in 0...32 or 0...128, as the family has it.
    public init(_ address: IPAddress, length: Int) {
        self.address = address
        network = IPPrefix(address, length: length)
    }

    /// Reads "10.0.0.1/24" or "2001:db8::1/64"; nil when the text is anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])) else { return nil }
        // The prefix is read with the host bits cleared: they are what is wanted here.
        guard let length = Int(parts[1]), (0...address.family.bitCount).contains(length), String(length) == parts[1]
        else { return nil }
        self.init(address, length: length)
    }

    public var family: AddressFamily { address.family }
    public var isLinkLocal: Bool { address.isLinkLocal }
    public var description: String { "\(address)/\(network.length)" }

    /// Addresses of an IPv4 network that belong to no host: the first and the last, but on a /31 (RFC 3021) and a /32.
    public var nonHosts: [IPAddress] {
        guard case .v4(let network) = network, network.length < 31 else { return [] }
        return [.v4(network.address), .v4(network.last)]
    }

    /// The subnet-router anycast address of an IPv6 network, to which every router of the network answers (RFC 4291
    /// section 2.6.1); nil on a link between two routers (RFC 6164) and for a single host.
    public var anycast: IPv6Address? {
        guard case .v6(let network) = network, network.length < 127, !isLinkLocal else { return nil }
        return network.address
    }

    /// Whether `other` can be a neighbour's address.
    public func isNeighbor(_ other: IPAddress) -> Bool {
        network.contains(other) && other != address && !nonHosts.contains(other) && other.v6 != anycast ?? .any
    }

    /// Why no interface can have this address; nil when one can.
    var objection: String? {
        switch (address, network) {
        case (.v4(let address), .v4(let network)): objection(address, network)
        case (.v6(let address), .v6(let network)): objection(address, network)
        default: "\(self) is of two families"
        }
    }

    private func objection(_ own: IPv4Address, _ network: IPv4Prefix) -> String? {
        let first = own.value >> 24
        if first == 0 || first == 127 || first >= 224 { return "\(own) is not an address that a host may have" }
        if network.length < 8 { return "a network of /\(network.length) is too large" }
        if nonHosts.contains(address) { return "\(own) is the network or broadcast address of \(network)" }
        return nil
    }

    private func objection(_ own: IPv6Address, _ network: IPv6Prefix) -> String? {
        let isMapped = own.high == 0 && own.low >> 32 == 0xffff
        if own.isMulticast || own.isUnspecified || own.isLoopback || isMapped {
            return "\(own) is not an address that an interface may have"
        }
        if own.isLinkLocal {
            if own.high != 0xfe80 << 48 { return "\(own) is no link-local address: its bits 10 to 63 are not zero" }
            return network.length == 64 ? nil : "a link-local address has the prefix length 64"
        }
        if network.length < 16 { return "a network of /\(network.length) is too large" }
        if anycast == own { return "\(own) is the subnet-router anycast address of \(network)" }
        return nil
    }
}

extension Schema.Format {
    public static let interfaceAddress = Schema.Format(
        "an IPv4 or IPv6 address with its prefix length", example: "10.0.0.1/24 or 2001:db8::1/64"
    ) { InterfaceAddress($0) != nil }

    public static let ipv4Prefix = Schema.Format("an IPv4 prefix", example: "192.0.2.0/24") { IPv4Prefix($0) != nil }

    public static let ipv4Address = Schema.Format("an IPv4 address", example: "192.0.2.1") { IPv4Address($0) != nil }

    public static let ipv6Prefix = Schema.Format("an IPv6 prefix", example: "2001:db8::/64") { IPv6Prefix($0) != nil }

    public static let ipv6Address = Schema.Format("an IPv6 address", example: "2001:db8::1") { IPv6Address($0) != nil }

    public static let ipAddress = Schema.Format("an IP address", example: "192.0.2.1 or 2001:db8::1") {
        IPAddress($0) != nil
    }

    public static let macAddress = Schema.Format("a MAC address", example: "02:00:00:00:00:01") {
        MACAddress($0) != nil
    }
}
