// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Foundation

/// Where plugins are looked for by name.
public struct PluginPath: Sendable {
    /// An environment variable with directories, separated by colons, that come first.
    public static let variable = "MARTLET_PLUGIN_PATH"

    public let directories: [String]

    public init(_ directories: [String]) {
        self.directories = directories
    }

    /// The variable's directories; where libMartlet is, which is where a build leaves everything; and `plugins` in
    /// there, for plugins that were added to an installation.
    public static var standard: PluginPath {
        let variable = ProcessInfo.processInfo.environment[variable] ?? ""
        var found = variable.split(separator: ":").map(String.init)
        if let library = CMartletLinux_imagePath() {
            let directory = URL(filePath: String(cString: library)).deletingLastPathComponent().standardized.path
            found += [directory, directory + "/plugins"]
        }
        var seen: Set<String> = []
        return PluginPath(found.filter { seen.insert($0).inserted })
    }

    /// The library of the plugin `name`, in the first directory that has it.
    func find(_ name: String) -> String? {
        for directory in directories {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            let match = files.sorted().first { $0.hasSuffix(".so") && PluginPath.isLibrary($0, of: name) }
            if let match { return directory + "/" + match }
        }
        return nil
    }

    /// Whether a file name is a plugin's: `libMSTGatewayPlugin.so`, `libmst-gateway.so` and `mst-gateway.so` are all
    /// 'mst-gateway'.
    static func isLibrary(_ file: String, of name: String) -> Bool {
        var stem = Substring(file).dropLast(".so".count)
        let plain = letters(name)
        if letters(stem) == plain { return true }
        if stem.hasPrefix("lib") { stem = stem.dropFirst(3) }
        if letters(stem) == plain { return true }
        return stem.hasSuffix("Plugin") && letters(stem.dropLast("Plugin".count)) == plain
    }

    /// Swift's spelling of the library of a plugin: "mst-gateway" is in "libMstGatewayPlugin.so".
    static func libraryName(_ name: String) -> String {
        "lib" + name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() + "Plugin.so"
    }

    private static func letters(_ text: some StringProtocol) -> String {
        String(text.lowercased().filter { $0 != "-" && $0 != "_" })
    }
}
