// SPDX-License-Identifier: Apache-2.0
import Graph

/// What became of one plugin of the configuration file.
public struct PluginStatus: Sendable, Encodable {
    public enum State: String, Sendable, Encodable {
        case loaded, refused
    }

    /// As the file calls it.
    public let name: String
    public let state: State
    /// The library; nil when none was found.
    public let file: String?
    /// The plugin's own; nil when it was not loaded.
    public let version: String?
    public let isRequired: Bool
    public let contents: PluginContents?
    /// Why it was refused; nil when it was not.
    public let reason: String?
    /// What to do about the refusal.
    public let remedy: String?

    public var isLoaded: Bool { state == .loaded }

    static func loaded(_ entry: PluginEntry, file: String, _ plugin: Plugin, _ contents: PluginContents) -> PluginStatus {
        PluginStatus(
            name: entry.name, state: .loaded, file: file, version: plugin.version, isRequired: entry.isRequired,
            contents: contents, reason: nil, remedy: nil)
    }

    static func refused(_ entry: PluginEntry, file: String?, _ refusal: PluginRefusal) -> PluginStatus {
        PluginStatus(
            name: entry.name, state: .refused, file: file, version: nil, isRequired: entry.isRequired, contents: nil,
            reason: refusal.reason, remedy: refusal.remedy)
    }

    private enum CodingKeys: String, CodingKey {
        case name, state, file, version, contents, reason, remedy
        case isRequired = "required"
    }
}

/// `show plugins`: one line each; with a name, all there is to say about that one.
struct PluginReport: Report {
    let plugins: [PluginStatus]
    private let isDetailed: Bool

    init(_ plugins: [PluginStatus], only name: String?) throws(CommandError) {
        guard let name else {
            self.plugins = plugins
            isDetailed = false
            return
        }
        self.plugins = plugins.filter { $0.name == name }
        isDetailed = true
        if self.plugins.isEmpty { throw .notFound("there is no plugin '\(name)'", "show plugins lists them") }
    }

    private enum CodingKeys: CodingKey {
        case plugins
    }

    var body: [TextBlock] {
        if isDetailed { return plugins.map { .facts(PluginReport.facts($0)) } }
        if plugins.isEmpty { return [.line("the configuration names no plugins")] }
        return [
            .table(
                ["Plugin", "Version", "State", "What it brings, or why it was refused"],
                plugins.map { [$0.name, $0.version ?? "-", $0.state.rawValue, PluginReport.summary($0)] })
        ]
    }

    private static func summary(_ plugin: PluginStatus) -> String {
        guard let contents = plugin.contents else { return plugin.reason ?? "" }
        return groups(contents).map { "\($0.title) \($0.names.joined(separator: ", "))" }.joined(separator: "; ")
    }

    private static func facts(_ plugin: PluginStatus) -> [TextBlock.Fact] {
        var facts: [TextBlock.Fact] = [.init("Plugin", plugin.name), .init("State", plugin.state.rawValue)]
        if let version = plugin.version { facts.append(.init("Version", version)) }
        facts.append(.init("Library", plugin.file ?? "not found"))
        facts.append(.init("Required", plugin.isRequired ? "yes" : "no"))
        if let reason = plugin.reason { facts.append(.init("Reason", reason)) }
        if let remedy = plugin.remedy { facts.append(.init("Remedy", remedy)) }
        if let contents = plugin.contents {
            facts.append(.init("Module", contents.module))
            facts += groups(contents).map { .init($0.title.prefix(1).uppercased() + $0.title.dropFirst(), $0.names.joined(separator: ", ")) }
        }
        return facts
    }

    private static func groups(_ contents: PluginContents) -> [(title: String, names: [String])] {
        let all = [
            ("sections", contents.sections), ("nodes", contents.nodes), ("features", contents.features),
            ("feature arcs", contents.arcs), ("interface types", contents.interfaceTypes), ("commands", contents.commands),
        ]
        return all.filter { !$0.1.isEmpty }
    }
}
