// SPDX-License-Identifier: Apache-2.0
import Graph

/// Which Martlet this is.
public enum Version {
    public static let current = PluginBuild.current.library
    /// Of the control socket's interface: grows only when something is removed from it.
    public static let api = 1
}

struct VersionReport: Report {
    let name = "martlet"
    let version = Version.current
    let api = Version.api
    let pid: Int32

    private enum CodingKeys: CodingKey {
        case name, version, api, pid
    }

    var body: [TextBlock] { [.line("martlet \(version), pid \(pid)")] }
}
