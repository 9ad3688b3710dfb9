// SPDX-License-Identifier: Apache-2.0
import CMartletLinux

/// What a plugin hands to the host: its module, and its own version.
///
/// A plugin is a shared library that exports one C function, `martlet_plugin`. These two lines are all of it:
///
///     @c(martlet_plugin)
///     public func martletPlugin() -> UnsafeMutableRawPointer { Plugin.describe(MyModule.self, version: "1.0") }
///
/// Swift's calling conventions and our types' layouts hold only between images of one library version and one compiler.
/// Therefore no code of a plugin is trusted to say what it was built for: `describe` is emitted into the plugin itself
/// and drags a constant along, an ELF note with the version of the library and of the compiler (`readelf -n` shows it).
/// The host reads the note **from the file**, before the plugin is mapped, let alone called. What does not match is
/// refused with both versions named; what matches may share every type with the host, and needs no further ceremony.
public final class Plugin {
    /// The name of the function that a plugin exports.
    public static let entry = "martlet_plugin"

    public let module: any Module.Type
    /// The plugin's own version, as `show plugins` prints it.
    public let version: String
    /// What the plugin was compiled with, by its own word.
    public let build: PluginBuild
    /// The sizes of shared types as the plugin was compiled with them; see ``layout``.
    let layout: [Int]

    public init(_ module: any Module.Type, version: String, build: PluginBuild, layout: [Int]) {
        self.module = module
        self.version = version
        self.build = build
        self.layout = layout
    }

    /// The value that a plugin's entry function returns. Its owner is the host, which calls the function once.
    @export(implementation)
    public static func describe(_ module: any Module.Type, version: String) -> UnsafeMutableRawPointer {
        let build = PluginBuild(noteText: CMartletLinux_pluginNoteText())
        return Unmanaged.passRetained(Plugin(module, version: version, build: build, layout: layout)).toOpaque()
    }

    /// The sizes of what plugins and the library hand to each other, constants in the image that this is compiled into.
    /// They tell a plugin that was built from older sources of the same version, as happens while both are under work.
    @export(implementation)
    public static var layout: [Int] {
        [
            MemoryLayout<BufferHeader>.size, MemoryLayout<InterfaceRecord>.size, MemoryLayout<Context>.size,
            MemoryLayout<Frame>.size, MemoryLayout<NodeDescriptor>.size, MemoryLayout<Seat>.size,
            MemoryLayout<FeatureArc>.size, MemoryLayout<Feature>.size, MemoryLayout<Section>.size,
            MemoryLayout<InterfaceDriver>.size, MemoryLayout<InterfaceAttribute>.size, MemoryLayout<Command>.size,
            MemoryLayout<Schema.Key>.size, MemoryLayout<Setting>.size, MemoryLayout<PuntedPacket>.size,
        ]
    }

    /// Takes over what an entry function returned.
    public static func adopt(_ description: UnsafeMutableRawPointer) -> Plugin {
        Unmanaged<Plugin>.fromOpaque(description).takeRetainedValue()
    }
}

/// The library version and the compiler that an image was built with: equal in all images that may call each other.
public struct PluginBuild: Sendable, Hashable {
    /// Martlet's version: "0.1.0".
    public let library: String
    /// The compiler's own words about itself, with its revision.
    public let compiler: String

    public init(library: String, compiler: String) {
        self.library = library
        self.compiler = compiler
    }

    /// - Parameter text: Two strings one behind the other, each with its NUL.
    public init(noteText text: UnsafePointer<CChar>) {
        library = String(cString: text)
        compiler = String(cString: text + library.utf8.count + 1)
    }

    /// That of the running library.
    public static let current = PluginBuild(noteText: CMartletLinux_pluginNoteText())
}
