// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Graph

/// Reads configuration files as `run` would, and touches nothing.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check configuration files without running them.",
        discussion: "Prints every error with its file, line and column. The exit code is 2 if there is one.")

    @Argument(help: "Configuration files.", completion: .file(extensions: ["yaml", "yml"]))
    var files: [String]

    @Flag(help: "As one JSON document.")
    var json = false

    func run() async throws {
        var errors: [ConfigurationError] = []
        for file in files {
            let found = await Router.check(file: file)
            errors += found
            if found.isEmpty, !json { Console.write("\(file): no errors\n") }
        }
        if !errors.isEmpty { throw ConfigurationErrors(errors) }
        if json { Console.write(JSONRenderer.render(["files": files])) }
    }
}

/// The JSON Schema of the configuration file, for editors.
struct SchemaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of the configuration file.",
        discussion:
            "Editors complete and check with it; the first line '# yaml-language-server: $schema=FILE' names it.")

    func run() async throws {
        Console.write(SchemaCommand.text(await Router.schema()))
    }

    /// Keys are configuration keys: they stay as they are, not in snake_case.
    static func text(_ schema: Schema) -> String {
        let document = schema.document(title: "Martlet configuration", id: "https://martlet.invalid/schema.json")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(document) else { return "" }
        return String(decoding: data, as: UTF8.self) + "\n"
    }
}
