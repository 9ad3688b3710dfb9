// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Wire

// `type: erspan`: what the file may say.
extension ERSPANModule {
    private static let keys: [Schema.Key] =
        IPModule.tunnelKeys + [
            .key("version", .integer(1...3), "ERSPAN's type: 1, 2 or 3, as in I, II and III; 2 if absent"),
            .key(
                "session-id", .integer(0...1023),
                "Tells sessions between the same ends apart; 0 if absent. Not of type I"),
            .key(
                "index", .integer(0...0xf_ffff),
                "Type II's index; if absent, twice the number of the interface that a frame was copied at, plus one if it was on its way out"
            ),
            .key("hardware-id", .integer(0...63), "Type III's hardware number; 0 if absent"),
            .key(
                "timestamp", .choice(of: ERSPANSettings.Timestamp.self),
                "What type III's timestamps count: 100us, or 1ns with a sub-header for the seconds; 100us if absent"),
            .key("ttl", .integer(1...255), "TTL of the outer header; 255 if absent"),
            .key("dscp", .integer(0...63), "DSCP of the outer header; 0 if absent, whatever is inside"),
            .key(
                "mtu", .integer(128...16_000),
                "Longest outer packet, bytes: longer frames are cut; what the first link to the far end takes, if absent"
            ),
            .key("decapsulate-to", .text(.name), "The interface by which frames that come in leave; none if absent"),
        ]

    var driver: InterfaceDriver {
        InterfaceDriver(
            "erspan", "A destination for mirrored frames beyond this router, and a source of such",
            keys: ERSPANModule.keys
        ) {
            [unowned self] (name, setting) throws(ConfigurationErrors) in
            let settings = try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
                try read(name, setting)
            }
            return { [unowned self] in try create(name, settings, setting) }
        }
    }

    private func read(_ name: String, _ setting: Setting) throws(ConfigurationError) -> ERSPANSettings {
        let ends = try ip.readTunnelEnds(name, setting)
        var settings = ERSPANSettings(source: ends.source, destination: ends.destination, table: ends.table)
        let version = try setting["version"]?.integer(in: 1...3) ?? 2
        settings.version = ERSPANVersion(rawValue: UInt8(version)) ?? .typeII
        for (key, versions) in [("session-id", 2...3), ("index", 2...2), ("hardware-id", 3...3), ("timestamp", 3...3)] {
            guard let other = setting[key], !versions.contains(version) else { continue }
            throw other.error(
                "ERSPAN of type \(settings.typeName) has no \(key)",
                "remove it, or give `version: \(versions.lowerBound)`")
        }
        settings.session = UInt16(try setting["session-id"]?.integer(in: 0...1023) ?? 0)
        settings.index = try setting["index"].map { index throws(ConfigurationError) in
            UInt32(try index.integer(in: 0...0xf_ffff))
        }
        settings.hardware = UInt8(try setting["hardware-id"]?.integer(in: 0...63) ?? 0)
        settings.timestamp = try setting["timestamp"]?.choice(of: ERSPANSettings.Timestamp.self) ?? .microseconds100
        settings.timeToLive = UInt8(try setting["ttl"]?.integer(in: 1...255) ?? 255)
        settings.dscp = UInt8(try setting["dscp"]?.integer(in: 0...63) ?? 0)
        settings.mtu = try setting["mtu"]?.integer(in: 128...16_000)
        settings.exit = try setting["decapsulate-to"]?.string
        return settings
    }

    /// What does not go together, wherever in the file it stands.
    public func objections(to file: Setting) -> [ConfigurationError] {
        let entries = (try? file["interfaces"]?.map) ?? []
        let names = entries.map(\.key)
        let sessions = entries.filter { (try? $0.value["type"]?.string) == "erspan" }
        var errors: [ConfigurationError] = []
        for entry in sessions {
            for key in ["addresses", "link-local", "vrf", "mpls"] {
                guard let setting = entry.value[key] else { continue }
                errors.append(
                    setting.error("\(entry.key) carries mirrored frames, and no packets of its own", "remove `\(key)`"))
            }
            guard let exit = entry.value["decapsulate-to"], let name = try? exit.string else { continue }
            if name == entry.key {
                errors.append(exit.error("frames would go in at \(name) and out there without end", "name a port"))
            } else if !names.contains(name) {
                errors.append(exit.error("there is no interface '\(name)'", Spelling.hint(for: name, among: names)))
            }
        }
        for entry in entries {
            guard let parent = entry.value["parent"], let name = try? parent.string,
                sessions.contains(where: { $0.key == name })
            else { continue }
            errors.append(parent.error("\(name) carries mirrored frames, and has no sub-interfaces", "name a port"))
        }
        return errors
    }
}
