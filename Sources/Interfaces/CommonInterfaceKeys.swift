// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The keys that interfaces without a NIC behind them share, and what was written for them.
struct CommonInterfaceKeys: Sendable {
    static let mac = Schema.Key.key(
        "mac", .text(.macAddress), "Own Ethernet address; a locally administered one derived from the name if absent")
    static let mtu = Schema.Key.key(
        "mtu", .integer(68...16_000), "Longest network-layer packet, bytes, as far as buffers hold it; 1500 if absent")
    static let keys = [mac, mtu]

    /// What a frame adds to the network-layer packet: the Ethernet header and two VLAN tags.
    static let linkHeaders = EthernetView.length + 2 * VLANView.length

    let name: String
    let mac: MACAddress
    /// Nil when the file does not say.
    let mtu: Int?

    /// - Parameter salt: Set apart from other interfaces of the same name; see `MACAddress.init(derivedFrom:)`.
    init(_ name: String, _ setting: Setting, pool: BufferPool, salt: String = "") throws(ConfigurationError) {
        self.name = name
        mac = try CommonInterfaceKeys.station(setting["mac"]) ?? MACAddress(derivedFrom: name + salt)
        mtu = try setting["mtu"]?.integer(in: 68...16_000)
        let largest = CommonInterfaceKeys.largestMTU(pool)
        guard let mtu, mtu > largest, let place = setting["mtu"] else { return }
        throw place.error(
            "\(mtu) does not fit in a buffer of \(pool.chunkSize) bytes",
            "give \(largest) or less, or set a larger 'buffers.size'")
    }

    /// The largest MTU with which any frame fits in a buffer.
    static func largestMTU(_ pool: BufferPool) -> Int { pool.capacity - linkHeaders }

    /// The address of one station.
    static func station(_ setting: Setting?) throws(ConfigurationError) -> MACAddress? {
        guard let setting else { return nil }
        let address = try setting.value("a MAC address", example: "02:00:00:00:00:01") { MACAddress($0) }
        guard address.isStation else {
            throw setting.error("\(address) is not the address of one station", "give one like 02:00:00:00:00:01")
        }
        return address
    }

    /// Creates the interface with these properties, its link down.
    @ControlPlane
    func createInterface(_ engine: Engine, kind: String) throws -> Interface {
        guard engine.interface(named: name) == nil else {
            throw ConfigurationError(at: nil, path: "interfaces.\(name)", "there is an interface of this name already")
        }
        let interface = engine.createInterface(name, kind: kind)
        interface.mac = mac.littleEndianValue
        if let mtu { interface.mtu = mtu }
        return interface
    }
}

extension Schema.Format {
    static let macAddress = Schema.Format("a MAC address", example: "02:00:00:00:00:01") { MACAddress($0) != nil }
}

extension MACAddress {
    /// A locally administered station address that is always the same for a text: 46 bits of its FNV-1a hash.
    init(derivedFrom text: String) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        // The low bits of FNV depend on the last bytes most; fold the high ones in.
        hash ^= hash >> 47
        // First byte on the wire: locally administered, not a group.
        self.init(littleEndian: hash & ~0x03 | 0x02)
    }
}
