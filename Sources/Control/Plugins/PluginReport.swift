// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph

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
            facts += groups(contents).map { .init($0.title.capitalized, $0.names.joined(separator: ", ")) }
        }
        return facts
    }

    private static func groups(_ contents: PluginContents) -> [(title: String, names: [String])] {
        let all = [
            ("sections", contents.sections), ("nodes", contents.nodes), ("features", contents.features),
            ("feature arcs", contents.arcs), ("interface types", contents.interfaceTypes),
            ("commands", contents.commands),
        ]
        return all.filter { !$0.1.isEmpty }
    }
}
