// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `via:` a next hop, or several.
extension IPModule {
    private static let labels = Schema.list(of: .integer(0...0xf_ffff), count: 0...PathRecord.labelCapacity)

    private static let backupKeys: [Schema.Key] = [
        .required("address", .text(.ipAddress), "The next hop that takes over"),
        .key("interface", .text(.name), "The interface on whose networks it must be; any if absent"),
        .key("labels", labels, "MPLS labels to push, the outermost first"),
    ]

    private static let hopKeys: [Schema.Key] = [
        .required(
            "address", .text(.ipAddress),
            "A neighbour on a connected network, or an address that another route leads to; of either family"),
        .key("interface", .text(.name), "The interface on whose networks the next hop must be; any if absent"),
        .key("weight", .integer(1...255), "Its share of the traffic beside others of its preference; 1 if absent"),
        .key(
            "preference", .integer(0...65535),
            "Next hops with the least number that work are used, others wait until none does; 0 if absent"),
        .key("labels", labels, "MPLS labels to push, the outermost first"),
        .key(
            "ttl", .choice(of: TTLMode.self),
            "With labels: whether the path counts as one hop, pipe, or TTL and traffic class are copied; pipe if absent"
        ),
        .key(
            "backup", .either([.text(.ipAddress), .object(backupKeys)]),
            "A next hop, of the same VRF, that takes over by itself while this one is down"),
        .key("vrf", .text(.name), "The VRF whose networks and routes lead to the next hop; the route's own if absent"),
        .key(
            "via-host", .boolean,
            "Whether only the host's own route leads to it, so that its loss counts although a shorter prefix covers it"
        ),
        .key(
            "bfd", watch,
            "Whether a BFD session watches the next hop, and with which profile's parameters; no if absent"),
    ]

    /// `bfd:` of a next hop, a route or a route file.
    static let watch = Schema.either([
        .boolean, .text(.name),
        .object([
            .key(
                "profile", .text(.name),
                "Whose parameters the session gets if it is not there yet; 'default' if absent"),
            .key(
                "local-address", .text(.ipAddress),
                "The router's own address; needed for a next hop that is no neighbour: the session is a multihop one"),
        ]),
    ])

    private static let hop = Schema.either([.text(.ipAddress), .object(hopKeys)])

    static let via = Schema.either([.text(.ipAddress), .object(hopKeys), .list(of: hop)])

    /// A next hop as it is written, and where.
    struct WrittenHop {
        let hop: NextHop
        let setting: Setting
    }

    /// - Parameters:
    ///   - interface: The route's, for next hops without one of their own.
    ///   - bfd: The same.
    func readHops(
        _ setting: Setting, interface: String?, bfd: BFDWatch?, table: String
    ) throws(ConfigurationError) -> [WrittenHop] {
        guard case .list(let elements) = setting.value else {
            return [try readHop(setting, interface: interface, bfd: bfd, table: table)]
        }
        guard !elements.isEmpty else { throw setting.error("there is no next hop", "give one, or a `type`") }
        guard elements.count <= LoadBalanceStore.maximumBuckets else {
            throw setting.error(
                "\(elements.count) next hops are too many", "give \(LoadBalanceStore.maximumBuckets) at most")
        }
        var hops: [WrittenHop] = []
        for element in elements { hops.append(try readHop(element, interface: interface, bfd: bfd, table: table)) }
        return hops
    }

    private func readHop(
        _ setting: Setting, interface: String?, bfd: BFDWatch?, table: String
    ) throws(ConfigurationError) -> WrittenHop {
        let address = try IPModule.address(setting)
        var hop = NextHop(try address.ipAddress())
        hop.interface = try setting["interface"]?.string ?? interface
        if let weight = try setting["weight"]?.integer(in: 1...255) { hop.weight = weight }
        if let preference = try setting["preference"]?.integer(in: 0...65535) { hop.preference = preference }
        hop.labels = try setting["labels"]?.labels() ?? []
        if let ttl = setting["ttl"] {
            if hop.labels.isEmpty { throw ttl.error("ttl goes with labels", "give `labels`, or remove it") }
            hop.mode = try ttl.choice()
        }
        hop.table = try setting["vrf"]?.vrf(plan)
        hop.viaHost = try setting["via-host"]?.boolean ?? false
        hop.bfd = try setting["bfd"].map { setting throws(ConfigurationError) in try readWatch(setting) } ?? bfd
        try check(hop, at: address, in: hop.table ?? table)
        if let backup = setting["backup"] {
            let written = try readHop(backup, interface: nil, bfd: nil, table: hop.table ?? table)
            if written.hop.address == hop.address, written.hop.labels == hop.labels {
                throw backup.error("\(hop.address) cannot be its own backup", "give another next hop")
            }
            hop.backup = [written.hop]
        }
        return WrittenHop(hop: hop, setting: address)
    }

    private static func address(_ setting: Setting) throws(ConfigurationError) -> Setting {
        if case .map = setting.value { return try setting.required("address") }
        return setting
    }

    /// Finds what is wrong with a next hop; keeps it for later if a route must lead to it.
    private func check(_ hop: NextHop, at setting: Setting, in table: String) throws(ConfigurationError) {
        guard let objection = plan.objection(toNeighbor: hop.address, on: hop.interface, in: table) else { return }
        guard hop.address.isOneHost else { throw setting.error(.notOneHost(hop.address)) }
        guard objection.isNotConnected, hop.interface == nil else { throw setting.error(objection) }
        if let objection = IPModule.objection(toWatching: hop.address, hop.bfd) { throw setting.error(objection) }
        routePlan.mustLead(to: hop.address, in: table, setting)
    }

    /// What the file says of BFD; nil for `false`.
    func readWatch(_ setting: Setting) throws(ConfigurationError) -> BFDWatch? {
        var watch = BFDWatch()
        var profile: Setting? = setting
        if case .map = setting.value {
            profile = setting["profile"]
            watch.local = try setting["local-address"]?.ipAddress()
        } else if let isWatched = try? setting.boolean {
            return isWatched ? watch : nil
        }
        if let profile {
            watch.profile = try profile.string
            profileUses.append((profile, watch.profile))
        }
        return watch
    }

    /// What speaks against watching a next hop that is no neighbour.
    static func objection(toWatching address: IPAddress, _ watch: BFDWatch?) -> RouteError? {
        guard let watch, watch.local == nil else { return nil }
        return RouteError(
            "\(address) is no neighbour: a BFD session over several hops needs its own address",
            "add `local-address:` to `bfd`")
    }
}

extension Setting {
    /// MPLS labels, the outermost first.
    fileprivate func labels() throws(ConfigurationError) -> [UInt32] {
        let elements = try list
        guard elements.count <= PathRecord.labelCapacity else {
            throw error(.tooManyLabels(elements.count))
        }
        var labels: [UInt32] = []
        for element in elements { labels.append(try element.integer(in: 0...0xf_ffff)) }
        return labels
    }
}
