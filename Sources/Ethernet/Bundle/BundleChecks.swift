// SPDX-License-Identifier: Apache-2.0
import Graph

/// What a file says of members of bundles that cannot be: they have nothing of their own but their device.
@ControlPlane
struct BundleChecks {
    /// Types that are no ports.
    private static let stacked: Set<String> = ["vlan", BundleDriver.kind, BVIDriver.kind, "gre"]
    /// Of the keys that interfaces of every type have, those that say something of a port.
    private static let portKeys: Set<String> = ["handoff"]

    /// Bundles by the names of their members.
    let owners: [String: String]
    /// The keys that interfaces of every type have.
    let attributes: [String]

    func objections(to file: Setting) -> [ConfigurationError] {
        guard !owners.isEmpty else { return [] }
        let interfaces = (try? file["interfaces"]?.map) ?? []
        return interfaces.flatMap(objections) + bridged(file)
    }

    private func objections(to entry: Setting.Entry) -> [ConfigurationError] {
        var errors: [ConfigurationError] = []
        if let parent = entry.value["parent"], let name = try? parent.string, let owner = owners[name] {
            errors.append(
                parent.error("\(name) is a member of \(owner): its frames are the bundle's", "name \(owner)"))
        }
        guard let owner = owners[entry.key] else { return errors }
        if let type = entry.value["type"], let word = try? type.string, BundleChecks.stacked.contains(word) {
            errors.append(
                type.error("\(entry.key) is no port, but a member of \(owner)", "let \(owner) have ports alone"))
        }
        for key in attributes where !BundleChecks.portKeys.contains(key) {
            guard let setting = entry.value[key] else { continue }
            errors.append(
                setting.error(
                    "\(entry.key) is a member of \(owner), and has nothing of its own", "give '\(key)' to \(owner)"))
        }
        return errors
    }

    private func bridged(_ file: Setting) -> [ConfigurationError] {
        let bridges = ((try? file["bridges"]?.map) ?? []).compactMap { $0.value["members"] }
        let connected = ((try? file["cross-connects"]?.map) ?? []).map(\.value)
        return (bridges + connected).flatMap { (try? $0.list) ?? [] }.compactMap { element in
            let setting = element["interface"] ?? element
            guard let name = try? setting.string, let owner = owners[name] else { return nil }
            return setting.error("\(name) is a member of \(owner): its frames are the bundle's", "name \(owner)")
        }
    }
}
