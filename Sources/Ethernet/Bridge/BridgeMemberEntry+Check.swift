// SPDX-License-Identifier: Apache-2.0
import Graph

extension BridgeMemberEntry {
    /// Names of members that no interface has, and interfaces whose frames are needed for something else.
    /// - Parameters:
    ///   - file: The whole configuration.
    ///   - router: The interface that addresses belong on in place of the member of this name: "'type: bvi' in lan".
    static func objections(
        _ members: [BridgeMemberEntry], to file: Setting, router: (String) -> String
    ) -> [ConfigurationError] {
        guard !members.isEmpty else { return [] }
        let interfaces = (try? file["interfaces"]?.map) ?? []
        let byName = Dictionary(interfaces.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        var children: [String: String] = [:]
        for interface in interfaces {
            if let parent = try? interface.value["parent"]?.string { children[parent] = interface.key }
        }
        return members.compactMap { member in
            guard let interface = byName[member.name] else {
                return member.setting.error(
                    "there is no interface '\(member.name)'",
                    Spelling.hint(for: member.name, among: interfaces.map(\.key)))
            }
            if let child = children[member.name] {
                return member.setting.error(
                    "\(member.name) has a sub-interface, \(child): whose its frames are would not be clear",
                    "make its sub-interfaces members")
            }
            guard interface["addresses"] == nil || (try? interface["type"]?.string) == BVIDriver.kind else {
                return member.setting.error(
                    "\(member.name) has addresses, but what comes in by it is bridged",
                    "give them to an interface with \(router(member.name))")
            }
            return nil
        }
    }
}
