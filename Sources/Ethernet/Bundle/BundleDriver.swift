// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `type: bundle`: several ports that are one link (IEEE 802.1AX).
enum BundleDriver {
    static let kind = "bundle"

    @ControlPlane
    static func driver(_ manager: BundleManager) -> InterfaceDriver {
        InterfaceDriver(
            kind, "Several ports that are one link (LAG)", keys: BundleSettings.keys,
            lower: { ((try? $0["members"]?.list) ?? []).map(BundleSettings.port) }
        ) { (name, setting) throws(ConfigurationErrors) in
            let settings = try ConfigurationErrors.collecting { errors throws(ConfigurationError) in
                let settings = try BundleSettings(name, setting, &errors)
                manager.claim(settings, &errors)
                return settings
            }
            return { try create(settings, manager) }
        }
    }

    @ControlPlane
    private static func create(_ settings: BundleSettings, _ manager: BundleManager) throws -> Interface {
        let engine = manager.engine
        guard engine.interface(named: settings.name) == nil else {
            throw ConfigurationError(
                at: nil, path: "interfaces.\(settings.name)", "there is an interface of this name already")
        }
        let ports = try settings.members.map { member in
            guard let port = engine.interface(named: member.name) else {
                throw member.setting.error("there is no interface '\(member.name)'", "name a port")
            }
            return port
        }
        let most = ports.map(\.mtu).min() ?? 1500
        let wanted = try settings.mtu?.integer(in: 68...16_000)
        if let wanted, wanted > most, let place = settings.mtu {
            throw place.error("\(wanted) bytes do not fit: a member takes \(most)", "give \(most) or less")
        }
        let interface = engine.createInterface(settings.name, kind: kind)
        interface.mac = settings.mac?.littleEndianValue ?? ports[0].mac
        interface.members = ports
        try engine.attach(interface, to: BundleOutput.name)
        try manager.add(settings, interface, ports, mtu: wanted)
        return interface
    }
}
