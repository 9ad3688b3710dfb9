// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `fast-reroute:` backups of next hops and links, and when traffic goes back.
extension IPModule {
    private static let address = Schema.text(.ipAddress)

    private static let wait = Schema.text(
        Schema.Format("a duration, or 'never'", example: "10s") { $0 == never || Quantity.duration($0) != nil })

    private nonisolated static let never = "never"

    private static let backupSchema = Schema.object([
        .required("address", address, "The neighbour to send to instead, or an address that routes lead to"),
        .key("interface", .text(.name), "Where the neighbour is; found by its address if absent"),
        .key(
            "labels", .list(of: .integer(0...0xf_ffff), count: 0...PathRecord.labelCapacity),
            "MPLS labels to push, the outermost first: a bypass; none if absent"),
    ])

    private static let waitKey = Schema.Key.key(
        "wait-to-restore", wait, "For this one instead of the section's `wait-to-restore`")

    private static let fastRerouteSchema = Schema.object(
        [
            .key(
                "wait-to-restore", wait,
                "How long a failure must be over before traffic goes back: a duration, 0s for at once, or never; 10s if absent"
            ),
            .key(
                "hold-down", .duration,
                "The wait after a second failure in a row, doubled with each further one; 0s for none; 10s if absent"),
            .key("maximum-hold-down", .duration, "The longest such wait; 5min if absent"),
            .key(
                "flap-memory", .duration,
                "In use for so long, a next hop's failures are forgotten; 1min if absent"),
            .key(
                "automatic", .boolean,
                "Whether the next hops of one route are each other's backups, and those of the next preference; false if absent"
            ),
            .key(
                "next-hops",
                .list(
                    of: .object([
                        .required("address", address, "The next hop that is protected, with all routes through it"),
                        .key("interface", .text(.name), "Where it is; found by its address if absent"),
                        .required("backup", backupSchema, "The way that takes over; it must not lead back here"),
                        .key(
                            "bfd", .text(.name),
                            "A BFD session watches the next hop, with this profile's parameters; if absent, one that `bfd` names"
                        ),
                        waitKey,
                    ])), "Next hops with a backup of their own"),
            .key(
                "interfaces",
                .list(
                    of: .object([
                        .required("interface", .text(.name), "The link that is protected, with every next hop on it"),
                        .required("backup", backupSchema, "The way that takes over; over another interface"),
                        waitKey,
                    ])), "Links with a backup for all of their next hops that have none of their own"),
        ], doc: "Fast reroute: backups that take over by one store, whatever the number of routes")

    var fastRerouteSection: Section {
        Section("fast-reroute", IPModule.fastRerouteSchema) { [unowned self] setting throws(ConfigurationErrors) in
            try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
                let policy = try IPModule.restoration(setting)
                let isAutomatic = try setting["automatic"]?.boolean ?? false
                var steps: [Step] = []
                var seen: [String: Setting] = [:]
                for key in ["interfaces", "next-hops"] {
                    for entry in try setting[key]?.list ?? [] {
                        let step = errors.collect { () throws(ConfigurationError) in
                            try IPModule.refuseTwice(entry, &seen)
                            return key == "interfaces" ? try readLink(entry, policy) : try readNextHop(entry, policy)
                        }
                        if let step { steps.append(step) }
                    }
                }
                return { [unowned self] in
                    fastReroute.policy = policy
                    fib.hasAutomaticBackups = isAutomatic
                    for step in steps { try step() }
                }
            }
        }
    }

    // MARK: - Reading

    private static func restoration(_ setting: Setting) throws(ConfigurationError) -> RestorationPolicy {
        var policy = RestorationPolicy()
        if let wait = setting["wait-to-restore"] { policy.waitToRestore = try milliseconds(wait, orNever: true) }
        if let time = setting["hold-down"] { policy.holdDown = try milliseconds(time) ?? 0 }
        if let time = setting["maximum-hold-down"] { policy.maximumHoldDown = try milliseconds(time) ?? 0 }
        if let time = setting["flap-memory"] { policy.flapMemory = try milliseconds(time) ?? 0 }
        return policy
    }

    private static func milliseconds(
        _ setting: Setting, orNever: Bool = false
    ) throws(ConfigurationError) -> Int? {
        if orNever, try setting.string == never { return nil }
        return Int(try setting.duration(in: .zero ... .seconds(86400)) / .milliseconds(1))
    }

    private static func policy(
        _ entry: Setting, _ common: RestorationPolicy
    ) throws(ConfigurationError) -> RestorationPolicy? {
        guard let wait = entry["wait-to-restore"] else { return nil }
        var policy = common
        policy.waitToRestore = try milliseconds(wait, orNever: true)
        return policy
    }

    /// The second backup of a next hop, or of a link, would silently replace the first.
    private static func refuseTwice(_ entry: Setting, _ seen: inout [String: Setting]) throws(ConfigurationError) {
        let interface = try entry["interface"]?.string
        let address = try entry["address"]?.ipAddress()
        let what = [address.map { "\($0)" }, interface].compactMap { $0 }.joined(separator: " on ")
        if let earlier = seen.updateValue(entry, forKey: what) {
            throw entry.error("\(what) has a backup already, in line \(earlier.mark.line)", "keep one of them")
        }
    }

    private func readNextHop(_ entry: Setting, _ common: RestorationPolicy) throws(ConfigurationError) -> Step {
        let setting = try entry.required("address")
        let address = try setting.ipAddress()
        let name = try entry["interface"]?.string
        try check(address, on: name, setting)
        let policy = try IPModule.policy(entry, common)
        let profile = try entry["bfd"]?.string
        if let use = entry["bfd"], let profile { profileUses.append((use, profile)) }
        let backup = try readBackup(try entry.required("backup"))
        guard backup.address != address else {
            throw backup.setting.error("\(address) cannot be its own backup", "give another neighbour")
        }
        return { [unowned self] in
            do throws(RouteError) {
                let interface = try interfaces.resolve(address, on: name.flatMap(engine.interface(named:)))
                let path = try path(of: backup, in: fib.table(of: interface))
                try fastReroute.protect(address, on: interface, by: path, policy: policy)
                if let profile { fastReroute.watch(address, on: interface, profile: profile) }
            } catch {
                throw setting.error(error)
            }
        }
    }

    private func readLink(_ entry: Setting, _ common: RestorationPolicy) throws(ConfigurationError) -> Step {
        let setting = try entry.required("interface")
        let name = try setting.string
        let policy = try IPModule.policy(entry, common)
        let backup = try readBackup(try entry.required("backup"))
        guard backup.interface != name else {
            throw backup.setting.error("the backup of \(name) leads over \(name) itself", "give one on another link")
        }
        return { [unowned self] in
            guard let interface = engine.interface(named: name) else {
                throw setting.error("there is no interface '\(name)'", "declare it in `interfaces`")
            }
            do throws(RouteError) {
                let path = try path(of: backup, in: fib.table(of: interface))
                if case .neighbor(_, interface.index) = path.target {
                    throw RouteError(
                        "the backup \(backup.address) is on the link \(name) itself", "give one on another link")
                }
                try fastReroute.protect(interface, by: path, policy: policy)
            } catch {
                throw setting.error(error)
            }
        }
    }

    private struct BackupSetting {
        let setting: Setting
        let address: IPAddress
        let interface: String?
        let labels: [UInt32]
    }

    private func readBackup(_ setting: Setting) throws(ConfigurationError) -> BackupSetting {
        let address = try setting.required("address")
        let interface = try setting["interface"]?.string
        var labels: [UInt32] = []
        for label in try setting["labels"]?.list ?? [] { labels.append(try label.integer(in: 0...0xf_ffff)) }
        let found = try address.ipAddress()
        if interface != nil { try check(found, on: interface, address) }
        return BackupSetting(setting: address, address: found, interface: interface, labels: labels)
    }

    /// What the file alone can tell about a neighbour's address.
    private func check(
        _ address: IPAddress, on interface: String?, _ setting: Setting
    ) throws(ConfigurationError) {
        if let objection = plan.objection(toNeighbor: address, on: interface) { throw setting.error(objection) }
    }

    private func path(of backup: BackupSetting, in table: VRF) throws(RouteError) -> Path {
        let interface = backup.interface.flatMap(engine.interface(named:))
        var path = try path(via: backup.address, on: interface, in: interface.map(fib.table(of:)) ?? table)
        path.labels = backup.labels
        return path
    }
}
