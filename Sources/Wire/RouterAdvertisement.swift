// SPDX-License-Identifier: Apache-2.0

/// What a router tells the hosts of a link (RFC 4861 section 4.2, RFC 4191, RFC 8106).
public struct RouterAdvertisement: NDMessage {
    /// Recursive DNS servers (RFC 8106 section 5.1).
    public struct DNSServers: Hashable, Sendable {
        /// At least one, and 127 at most: more are left out.
        public var addresses: [IPv6Address]
        /// Seconds.
        public var lifetime: UInt32

        public init(_ addresses: [IPv6Address], lifetime: UInt32) {
            self.addresses = Array(addresses.prefix(127))
            self.lifetime = lifetime
        }
    }

    public static var type: ICMPv6Type { .routerAdvertisement }

    /// What hosts shall begin with; 0 leaves it open.
    public var hopLimit: UInt8
    /// M: addresses are had by DHCPv6.
    public var isManaged: Bool
    /// O: other configuration is had by DHCPv6.
    public var hasOtherConfiguration: Bool
    public var preference: NDPreference
    /// For how long this is a default router, seconds; 0 when it is none.
    public var routerLifetime: UInt16
    /// For how long a neighbour is reachable, milliseconds; 0 leaves it open.
    public var reachableTime: UInt32
    /// Between solicitations, milliseconds; 0 leaves it open.
    public var retransmissionTime: UInt32
    public var station: MACAddress?
    /// Bytes; nil leaves it out.
    public var mtu: UInt32?
    public var prefixes: [NDPrefix]
    public var dnsServers: DNSServers?

    public init(
        hopLimit: UInt8 = 64, isManaged: Bool = false, hasOtherConfiguration: Bool = false,
        preference: NDPreference = .medium, routerLifetime: UInt16 = 1800, reachableTime: UInt32 = 0,
        retransmissionTime: UInt32 = 0, station: MACAddress? = nil, mtu: UInt32? = nil, prefixes: [NDPrefix] = [],
        dnsServers: DNSServers? = nil
    ) {
        self.hopLimit = hopLimit
        self.isManaged = isManaged
        self.hasOtherConfiguration = hasOtherConfiguration
        self.preference = preference
        self.routerLifetime = routerLifetime
        self.reachableTime = reachableTime
        self.retransmissionTime = retransmissionTime
        self.station = station
        self.mtu = mtu
        self.prefixes = prefixes
        self.dnsServers = dnsServers
    }

    public var rest: UInt32 {
        let flags: UInt32 = (isManaged ? 0x80 : 0) | (hasOtherConfiguration ? 0x40 : 0)
        return UInt32(hopLimit) << 24 | (flags | UInt32(preference.rawValue) << 3) << 16 | UInt32(routerLifetime)
    }

    public var bodyLength: Int {
        let servers = dnsServers.map { 8 + 16 * $0.addresses.count } ?? 0
        return 8 + (station == nil ? 0 : 8) + (mtu == nil ? 0 : 8) + prefixes.count * NDPrefix.length + servers
    }

    public func emitBody(into bytes: Bytes) {
        bytes.storeNetwork(reachableTime, at: 0)
        bytes.storeNetwork(retransmissionTime, at: 4)
        var place = 8
        if let station {
            station.emitOption(.sourceLinkLayerAddress, into: bytes, at: place)
            place += 8
        }
        if let mtu {
            bytes.storeNetwork(0x0501_0000_0000_0000 | UInt64(mtu), at: place)
            place += 8
        }
        for prefix in prefixes {
            prefix.emit(into: bytes.dropping(first: place))
            place += NDPrefix.length
        }
        guard let dnsServers else { return }
        let units = UInt64(1 + 2 * dnsServers.addresses.count)
        bytes.storeNetwork(0x1900_0000_0000_0000 | units << 48 | UInt64(dnsServers.lifetime), at: place)
        for (number, address) in dnsServers.addresses.enumerated() {
            address.emit(into: bytes, at: place + 8 + 16 * number)
        }
    }
}
