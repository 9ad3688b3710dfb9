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

    static func loaded(_ entry: PluginEntry, file: String, _ plugin: Plugin, _ contents: PluginContents) -> PluginStatus
    {
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
