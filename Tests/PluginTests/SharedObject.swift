// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph
import Testing

/// A directory for a test's files, gone with its owner.
final class TestDirectory: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "martlet-plugins-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }

    /// Compiles C to the shared library `name` and returns its path.
    func compile(_ name: String, _ source: String) throws -> String {
        let input = try write("\(name).c", [UInt8](source.utf8))
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/usr/bin/env")
        compiler.arguments = ["clang", "-shared", "-fPIC", "-o", "\(path)/\(name)", input]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0, "clang compiles \(name)")
        return "\(path)/\(name)"
    }
}

/// C sources of libraries that a plugin's file may turn out to be.
enum PluginSource {
    /// The note that Swift plugins get from `Plugin.describe`.
    static func note(_ build: PluginBuild = .current) -> String {
        """
        #define TEXT "\(build.library)\\0\(build.compiler)"
        __attribute__((used, section(".note.martlet"), aligned(4)))
        static const struct { unsigned name_size, text_size, type; char name[8]; char text[sizeof TEXT]; } note =
            { 8, sizeof TEXT, 1, "Martlet", TEXT };

        """
    }

    /// Leaves a mark in the environment when the dynamic linker maps the library.
    static func telltale(_ variable: String) -> String {
        """
        #include <stdlib.h>
        __attribute__((constructor)) static void ran(void) { setenv("\(variable)", "1", 1); }

        """
    }
}
