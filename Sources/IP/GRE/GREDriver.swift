// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `type: gre`: a tunnel through an IPv4 or IPv6 network.
extension IPModule {
    private nonisolated static let copy = "copy"

    private static let greKeys: [Schema.Key] =
        tunnelKeys + [
            .key(
                "key", .integer(0...0xffff_ffff), "Tells tunnels between the same ends apart (RFC 2890); none if absent"
            ),
            .key("checksum", .boolean, "Checksums, which packets that come in must have as well; false if absent"),
            .key(
                "sequence", .boolean,
                "Sequence numbers: one worker sends all packets, and what is overtaken is dropped; false if absent"),
            .key(
                "ttl", .text(numberOrCopy(1...255)),
                "TTL of the outer header, 1 to 255, or copy: the inner packet's; 64 if absent"),
            .key(
                "dscp", .text(numberOrCopy(0...63)),
                "DSCP of the outer header, 0 to 63, or copy: the inner packet's; copy if absent"),
            .key(
                "dont-fragment", .boolean,
                "Whether outer IPv4 packets have the DF bit; without it, each has an identification; true if absent"),
            .key(
                "mtu", .integer(68...16_000),
                "Longest packet inside, bytes; what the first link to the far end takes, less the tunnel's headers, if absent"
            ),
        ]

    /// What all tunnels have.
    public static let tunnelKeys: [Schema.Key] = [
        .required("source", .text(.ipAddress), "This router's end: one of its own addresses in the underlay"),
        .required("destination", .text(.ipAddress), "The far end, of the same family"),
        .key(
            "underlay-vrf", .text(.name),
            "The VRF whose routes lead to the far end, where `vrf` is that of packets inside; the main table if absent"),
    ]

    private static func numberOrCopy(_ range: ClosedRange<Int>) -> Schema.Format {
        Schema.Format(
            "a number from \(range.lowerBound) to \(range.upperBound), or copy", example: "\(range.upperBound)"
        ) { text in
            text == copy || Int(text).map(range.contains) ?? false
        }
    }

    func addGRE(_ registry: Registry) {
        tunnels = TunnelStore(engine: engine, fib: fib, neighbors: neighbors, local: local)
        let (table, endpoints, claims) = (tunnels.table, tunnels.endpoints, tunnels.claims)
        let readers = fib.readers
        registry.add(
            NodeDescriptor(GREInput.self) { seat in
                GREInput(seat, tables: readers, tunnels: table, endpoints: endpoints, claims: claims)
            })
        registry.add(NodeDescriptor(GREOutput.self) { seat in GREOutput(seat, tunnels: table) })
        registry.add(
            InterfaceDriver("gre", "A GRE tunnel to another router", keys: IPModule.greKeys) {
                [unowned self] (name, setting) throws(ConfigurationErrors) in
                let tunnel = try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
                    try readGRE(name, setting)
                }
                return { [unowned self] in try createGRE(name, tunnel, setting) }
            })
    }

    // MARK: - Reading

    private func readGRE(_ name: String, _ setting: Setting) throws(ConfigurationError) -> GRETunnel {
        let ends = try readTunnelEnds(name, setting)
        var tunnel = GRETunnel(source: ends.source, destination: ends.destination, table: ends.table)
        tunnel.key = try setting["key"].map { key throws(ConfigurationError) in
            UInt32(try key.integer(in: 0...0xffff_ffff))
        }
        tunnel.hasChecksum = try setting["checksum"]?.boolean ?? false
        tunnel.hasSequence = try setting["sequence"]?.boolean ?? false
        tunnel.dontFragment = try setting["dont-fragment"]?.boolean ?? true
        tunnel.timeToLive = try setting["ttl"].map(IPModule.readNumberOrCopy) ?? 64
        tunnel.dscp = try setting["dscp"].flatMap(IPModule.readNumberOrCopy)
        tunnel.mtu = try setting["mtu"]?.integer(in: 68...16_000)
        plan.pointToPoint.insert(name)
        if let other = plan.claim(tunnel, for: name) {
            throw setting.error("\(other) has the same ends and key", "give one of them another key")
        }
        return tunnel
    }

    /// Nil for `copy`.
    private static func readNumberOrCopy(_ setting: Setting) throws(ConfigurationError) -> UInt8? {
        let text = try setting.string
        return text == copy ? nil : UInt8(text)
    }

    /// Reads the keys that all tunnels have, and notes what can only be judged when all addresses are known.
    public func readTunnelEnds(
        _ name: String, _ setting: Setting
    ) throws(ConfigurationError) -> (source: IPAddress, destination: IPAddress, table: String) {
        let (local, remote) = (try setting.required("source"), try setting.required("destination"))
        let (source, destination) = (try local.ipAddress(), try remote.ipAddress())
        guard source.family == destination.family else {
            throw remote.error(
                "\(destination) is \(destination.family), and the source \(source) \(source.family)",
                "give two addresses of one family")
        }
        for (address, place) in [(source, local), (destination, remote)]
        where !address.isOneHost || address.isLinkLocal {
            throw place.error("\(address) cannot be a tunnel's end", "give an address that routes lead to")
        }
        guard source != destination else {
            throw remote.error("the tunnel leads from \(source) to itself", "give the other router's address")
        }
        let table = try setting["underlay-vrf"]?.string ?? VRF.mainName
        if let use = setting["underlay-vrf"] { vrfUses.append((use, table)) }
        plan.tunnelSources.append((local, source, table))
        return (source, destination, table)
    }

    private func createGRE(_ name: String, _ tunnel: GRETunnel, _ setting: Setting) throws -> Interface {
        guard engine.interface(named: name) == nil else {
            throw ConfigurationError(at: nil, path: "interfaces.\(name)", "there is an interface of this name already")
        }
        let interface = engine.createInterface(name, kind: "gre")
        interface.setFlag(.pointToPoint, true)
        interface.mac = IPModule.station(of: tunnel.source).littleEndianValue
        do {
            try tunnels.add(tunnel, as: interface)
        } catch let error as RouteError {
            throw setting.error(error)
        }
        return interface
    }

    /// What a tunnel has in place of a hardware address, of which its link-local IPv6 address is made: locally administered,
    /// and another one at the other end.
    private static func station(of source: IPAddress) -> MACAddress {
        switch source {
        case .v4(let address): MACAddress(0x0200_0000_0000 | UInt64(address.value))
        case .v6(let address): MACAddress(0x0600_0000_0000 | (address.high ^ address.low) & 0xff_ffff_ffff)
        }
    }

    // MARK: - What the file as a whole says

    /// Mistakes about tunnels that no entry could tell by itself.
    func objectionsToTunnels(in file: Setting) -> [ConfigurationError] {
        var errors: [ConfigurationError] = []
        for (setting, address, table) in plan.tunnelSources where !plan.isOwn(address, in: table) {
            let place = table == VRF.mainName ? "" : " in VRF \(table)"
            errors.append(
                setting.error(
                    "\(address) is no address of this router\(place)", "give one that an interface has there"))
        }
        for entry in (try? file["interfaces"]?.map) ?? [] {
            guard let parent = entry.value["parent"], let name = try? parent.string, plan.pointToPoint.contains(name)
            else { continue }
            errors.append(parent.error("\(name) is a tunnel, whose packets have no VLAN tags", "name a port"))
        }
        return errors
    }
}
