// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// An interface's own IPv4 address with the length of its network's prefix: `10.0.0.1/24`.
public struct InterfaceAddress: Hashable, Sendable, CustomStringConvertible {
    public let address: IPv4Address
    public let network: IPv4Prefix

    public init(_ address: IPv4Address, length: Int) {
        self.address = address
        network = IPv4Prefix(address, length: length)
    }

    /// Reads "10.0.0.1/24"; nil when the text is anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(String(parts[0])) else { return nil }
        // The prefix is read with the host bits cleared: they are what is wanted here.
        guard let length = Int(parts[1]), (0...32).contains(length), String(length) == parts[1] else { return nil }
        self.init(address, length: length)
    }

    public var description: String { "\(address)/\(network.length)" }

    /// Addresses of the network that belong to no host: the first and the last, but on a /31 (RFC 3021) and a /32.
    public var nonHosts: [IPv4Address] { network.length < 31 ? [network.address, network.last] : [] }

    /// Whether `other` can be a neighbour's address.
    public func isNeighbor(_ other: IPv4Address) -> Bool {
        network.contains(other) && other != address && !nonHosts.contains(other)
    }

    /// Why no interface can have this address; nil when one can.
    var objection: String? {
        let first = address.value >> 24
        if first == 0 || first == 127 || first >= 224 { return "\(address) is not an address that a host may have" }
        if network.length < 8 { return "a network of /\(network.length) is too large" }
        if nonHosts.contains(address) { return "\(address) is the network or broadcast address of \(network)" }
        return nil
    }
}

extension Schema.Format {
    public static let ipv4InterfaceAddress = Schema.Format(
        "an IPv4 address with its prefix length", example: "10.0.0.1/24"
    ) { InterfaceAddress($0) != nil }

    public static let ipv4Prefix = Schema.Format("an IPv4 prefix", example: "192.0.2.0/24") { IPv4Prefix($0) != nil }

    public static let ipv4Address = Schema.Format("an IPv4 address", example: "192.0.2.1") { IPv4Address($0) != nil }

    public static let macAddress = Schema.Format("a MAC address", example: "02:00:00:00:00:01") {
        MACAddress($0) != nil
    }
}
