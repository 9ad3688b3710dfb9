// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph
import Logging

/// One entry of the section `plugins`.
struct PluginEntry {
    let name: String
    /// A path; nil when the plugin is to be found by its name.
    let file: String?
    let isRequired: Bool
    let setting: Setting
}

/// Loads the plugins that the file names, before the rest of the file is checked: they bring sections, nodes and
/// commands.
///
///     plugins:
///       example:                            # found by its name on the plugin path
///       high-availability: {required: true}
///       my-feature: {file: ../my-feature/.build/debug/libMyFeaturePlugin.so}
///
/// A plugin that is refused is listed by `show plugins` with the reason, and the rest goes on; one that is required and
/// refused stops the start.
@ControlPlane
public enum PluginLoader {
    public nonisolated static let schema = Schema.map(
        of: .object([
            .key("file", .string, "The library, relative to this file; looked for by the plugin's name if absent"),
            .key("required", .boolean, "Whether the router must not start without it; false if absent"),
        ]), names: .name, doc: "Features loaded at startup")

    private static let log = Logger(label: "martlet")

    /// - Parameters:
    ///   - setting: The section `plugins`; nil when there is none.
    ///   - path: Where plugins are found by name.
    /// - Returns: One status per entry, in the order of the file.
    /// - Throws: What is wrong with the section, and why required plugins were refused.
    public static func load(
        _ setting: Setting?, into registry: Registry, path: PluginPath = .standard
    ) throws(ConfigurationErrors) -> [PluginStatus] {
        var statuses: [PluginStatus] = []
        var errors = ConfigurationErrors()
        for entry in try entries(setting) {
            let status = load(entry, into: registry, path, earlier: statuses)
            statuses.append(status)
            guard let reason = status.reason, let remedy = status.remedy else {
                log.debug("plugin loaded", metadata: ["plugin": "\(status.name)", "file": "\(status.file ?? "")"])
                continue
            }
            if entry.isRequired {
                errors.append(entry.setting.error("the plugin is required and was refused: \(reason)", remedy))
            } else {
                log.warning("plugin \(entry.name) was refused: \(reason); \(remedy)")
            }
        }
        try errors.throwIfAny()
        return statuses
    }

    private static func load(
        _ entry: PluginEntry, into registry: Registry, _ path: PluginPath, earlier: [PluginStatus]
    ) -> PluginStatus {
        guard let named = entry.file ?? path.find(entry.name) else {
            return .refused(entry, file: nil, .notFound(entry.name, in: path.directories))
        }
        do throws(PluginRefusal) {
            let file = try PluginFile(named)
            if let same = earlier.first(where: { $0.isLoaded && $0.file == file.path }) {
                throw .loadedAlready(as: same.name)
            }
            let build = try file.readBuild()
            guard build == .current else { throw .built(build) }
            let plugin = try file.open()
            do throws(RegistrationError) {
                let contents = try registry.load(plugin, reserved: reserved(registry))
                return .loaded(entry, file: file.path, plugin, contents)
            } catch {
                throw .registration(error)
            }
        } catch {
            return .refused(entry, file: named, error)
        }
    }

    /// The names that belong to the router itself, which is no module.
    private static func reserved(_ registry: Registry) -> Registry.Reserved {
        Registry.Reserved(
            sections: RouterSettings.keys.map(\.name) + ["interfaces", "graph", "plugins"],
            commands: StandardCommands.all(registry.engine).map(\.words) + [["show", "plugins"]])
    }

    private static func entries(_ setting: Setting?) throws(ConfigurationErrors) -> [PluginEntry] {
        guard let setting else { return [] }
        let errors = schema.validate(setting)
        if !errors.isEmpty { throw ConfigurationErrors(errors) }
        return try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
            try setting.map.map { entry throws(ConfigurationError) in
                PluginEntry(
                    name: entry.key, file: try entry.value["file"]?.filePath,
                    isRequired: try entry.value["required"]?.boolean ?? false, setting: entry.value)
            }
        }
    }

    // MARK: - After loading

    /// The file's schema, made lenient towards top-level keys that nobody knows, probably because the plugin that would
    /// have brought them was refused: each is warned about and left out, so that the rest of the file still counts.
    /// What looks like a slip of the pen stays an error.
    static func excusing(_ schema: Schema, in file: Setting, after plugins: [PluginStatus]) -> Schema {
        let refused = plugins.filter { !$0.isLoaded }.map(\.name).joined(separator: ", ")
        guard !refused.isEmpty, case .object(let keys) = schema.kind, case .map(let entries) = file.value else {
            return schema
        }
        let known = keys.map(\.name)
        let orphans = entries.filter { entry in
            !known.contains(entry.key) && Spelling.nearest(to: entry.key, among: known) == nil
        }
        for orphan in orphans {
            let reason = "nobody knows it, and these plugins were refused: \(refused)"
            log.warning("\(orphan.mark): the section \(orphan.key) is left out: \(reason)")
        }
        return .object(keys + orphans.map { .key($0.key, .anything, "") }, doc: schema.doc)
    }

    /// The command `show plugins [name]`.
    public static func showCommand(_ plugins: [PluginStatus]) -> Command {
        let name = Command.Parameter.argument("name", "Only this plugin, with all there is to say") {
            plugins.map(\.name)
        }
        return Command(["show", "plugins"], "Plugins, what they bring, and why one was refused", [name]) { arguments in
            try PluginReport(plugins, only: arguments["name"])
        }
    }
}
