// SPDX-License-Identifier: Apache-2.0
import Graph

/// Why a plugin was not loaded: one reason, and what to do about it.
struct PluginRefusal: Error, Sendable, Equatable {
    let reason: String
    let remedy: String

    init(_ reason: String, _ remedy: String) {
        self.reason = reason
        self.remedy = remedy
    }

    private static let rebuild = "build it again with this Martlet's library"

    static func notFound(_ name: String, in directories: [String]) -> PluginRefusal {
        PluginRefusal(
            "no library of that name is in \(directories.joined(separator: ", "))",
            "put \(PluginPath.libraryName(name)) there, name its file with 'file:', or set \(PluginPath.variable)")
    }

    static func unreadable(_ error: String) -> PluginRefusal {
        PluginRefusal("the file cannot be read: \(error)", "correct 'file:', or build the plugin")
    }

    static func notALibrary(_ what: String) -> PluginRefusal {
        PluginRefusal("the file is \(what)", "name the shared library that `swift build` made")
    }

    static let notAPlugin = PluginRefusal(
        "the file is a shared library, but no Martlet plugin: it does not say what it was built with",
        "its function \(Plugin.entry) must call Plugin.describe")

    static func built(_ build: PluginBuild) -> PluginRefusal {
        let current = PluginBuild.current
        guard build.library == current.library else {
            return PluginRefusal("it was built for Martlet \(build.library), and this is \(current.library)", rebuild)
        }
        return PluginRefusal(
            "it was built with another compiler (\(build.compiler)) than this Martlet (\(current.compiler))",
            "build both with the same Swift")
    }

    static func linker(_ message: String) -> PluginRefusal {
        PluginRefusal("the dynamic linker refuses it: \(message)", rebuild)
    }

    static let noEntry = PluginRefusal(
        "it exports no function \(Plugin.entry)", "declare it with @c(\(Plugin.entry)) and public")

    static let noDescription = PluginRefusal(
        "its function \(Plugin.entry) returns nothing", "return the value of Plugin.describe")

    static func loadedAlready(as name: String) -> PluginRefusal {
        PluginRefusal("it is the same library as the plugin '\(name)'", "list it once")
    }

    static func registration(_ error: RegistrationError) -> PluginRefusal {
        PluginRefusal("\(error)", "build the plugin again, rename what it brings, or load what it needs first")
    }
}
