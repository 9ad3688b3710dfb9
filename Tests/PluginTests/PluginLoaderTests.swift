// SPDX-License-Identifier: Apache-2.0
import ExamplePlugin
import Foundation
import Graph
import Testing

@testable import Control

@Suite("Plugin loader")
@ControlPlane
struct PluginLoaderTests {
    let directory: TestDirectory
    let lab: PluginLab

    init() throws {
        directory = try TestDirectory()
        lab = try PluginLab()
    }

    private func load(_ text: String, path: PluginPath = .standard) throws -> [PluginStatus] {
        let file = try YAMLReader.read(text: text, name: "\(directory.path)/r.yaml")
        return try PluginLoader.load(file["plugins"], into: lab.registry, path: path)
    }

    /// The reason for which the library at `file` is refused.
    private func refusal(of file: String) throws -> String? {
        try load("plugins: {p: {file: \(file)}}").first?.reason
    }

    // MARK: - Loading

    @Test("the example is found by its name next to the library, and brings what it says")
    func example() throws {
        lab.addFeatureArc()
        let statuses = try load("plugins: {example: }")
        let status = try #require(statuses.first)
        #expect(status.reason == nil)
        #expect(status.version == "1.0")
        #expect(status.file?.hasSuffix("/libExamplePlugin.so") == true)
        #expect(status.contents?.nodes == ["ip4-ttl-guard"])
        #expect(status.contents?.features == ["ip4-ttl-guard on ip4-unicast"])
        #expect(status.contents?.sections == ["ttl-guard"])
        #expect(status.contents?.commands == ["show ttl-guard"])
        #expect(lab.registry.modules.map { type(of: $0).name } == ["ttl-guard"])
    }

    @Test("a loaded plugin works in the graph like a built-in feature")
    func loadedExample() async throws {
        let lab = try PluginLab(TTLGuardGraphTests.packets, workerCount: 2)
        lab.addFeatureArc()
        let file = try YAMLReader.read(text: "plugins: {example: {required: true}}", name: "r.yaml")
        _ = try PluginLoader.load(file["plugins"], into: lab.registry)
        try lab.apply(TTLGuardGraphTests.section)
        lab.engine.runToEnd()
        #expect(lab.drops == ["ip4-ttl-guard ttl-too-low": 3])
        #expect(lab.packets(at: "ip4-lookup") == 3)
        #expect(lab.engine.buffersInUse == 0)
        #expect(try await lab.run("show ttl-guard").text.contains("179"))
    }

    @Test(
        "file names that are a plugin's",
        arguments: [
            ("libMSTGatewayPlugin.so", "mst-gateway", true), ("libmst-gateway.so", "mst-gateway", true),
            ("mst_gateway.so", "mst-gateway", true), ("libMSTGateway.so", "mst-gateway", true),
            ("libMSTGatewayPluginTests.so", "mst-gateway", false), ("libMartlet.so", "mst-gateway", false),
            ("libExamplePlugin.so", "example", true), ("libExamplePlugin.so", "exam", false),
        ])
    func names(file: String, name: String, isLibrary: Bool) {
        #expect(PluginPath.isLibrary(file, of: name) == isLibrary)
    }

    // MARK: - Refusing

    @Test("each refusal has one clear reason")
    func refusals() throws {
        #expect(try refusal(of: "\(directory.path)/none.so") == "the file cannot be read: No such file or directory")
        #expect(try refusal(of: directory.path) == "the file is no regular file")
        let script = try directory.write("text.so", [UInt8]("#!/bin/sh\n".utf8))
        #expect(try refusal(of: script) == "the file is no shared library")
        #expect(try refusal(of: directory.write("empty.so", [])) == "the file is no shared library")
        let plain = try directory.compile("plain.so", "int answer(void) { return 42; }")
        #expect(
            try refusal(of: plain)
                == "the file is a shared library, but no Martlet plugin: it does not say what it was built with")
        let noEntry = try directory.compile("no-entry.so", PluginSource.note())
        #expect(try refusal(of: noEntry) == "it exports no function martlet_plugin")
        let nothing = try directory.compile(
            "nothing.so", PluginSource.note() + "void *martlet_plugin(void) { return 0; }")
        #expect(try refusal(of: nothing) == "its function martlet_plugin returns nothing")
        let unresolved = try directory.compile(
            "unresolved.so",
            PluginSource.note() + "void *is_nowhere(void); void *martlet_plugin(void) { return is_nowhere(); }")
        #expect(try refusal(of: unresolved)?.contains("undefined symbol: is_nowhere") == true)
    }

    @Test("a plugin of another version or compiler is refused before any of its code runs")
    func otherBuilds() throws {
        let entry = "void *martlet_plugin(void) { abort(); }"
        let current = PluginBuild.current
        let old = PluginBuild(library: "0.0.9", compiler: current.compiler)
        let oldFile = try directory.compile(
            "old.so", PluginSource.note(old) + PluginSource.telltale("MARTLET_TEST_OLD") + entry)
        #expect(try refusal(of: oldFile) == "it was built for Martlet 0.0.9, and this is \(current.library)")
        #expect(getenv("MARTLET_TEST_OLD") == nil)
        let foreign = PluginBuild(library: current.library, compiler: "Clang 1.0")
        let foreignFile = try directory.compile(
            "foreign.so", PluginSource.note(foreign) + PluginSource.telltale("MARTLET_TEST_FOREIGN") + entry)
        #expect(try refusal(of: foreignFile)?.hasPrefix("it was built with another compiler (Clang 1.0)") == true)
        #expect(getenv("MARTLET_TEST_FOREIGN") == nil)
        // The telltale itself works: what matches is mapped.
        let matching = try directory.compile(
            "matching.so", PluginSource.note() + PluginSource.telltale("MARTLET_TEST_MATCHING"))
        #expect(try refusal(of: matching) == "it exports no function martlet_plugin")
        #expect(getenv("MARTLET_TEST_MATCHING") != nil)
    }

    @Test("what is cut short is refused wherever it was cut")
    func truncated() throws {
        let path = try directory.compile("whole.so", PluginSource.note() + "void *martlet_plugin(void) { return 0; }")
        let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
        for length in stride(from: 0, to: whole.count, by: 97) {
            let cut = try directory.write("cut.so", Array(whole.prefix(length)))
            #expect(throws: PluginRefusal.self) { try PluginFile(cut).readBuild() }
        }
    }

    @Test("a library for another processor is refused")
    func otherMachine() throws {
        let path = try directory.compile("native.so", PluginSource.note())
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        bytes[18] = 0xf3  // RISC-V
        bytes[19] = 0
        #expect(
            try refusal(of: directory.write("riscv.so", bytes))
                == "the file is a shared library for another kind of processor")
    }

    @Test("damaged headers are judged without a crash")
    func garbage() throws {
        let path = try directory.compile("good.so", PluginSource.note())
        let good = [UInt8](try Data(contentsOf: URL(filePath: path)))
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            var bytes = good
            for _ in 0..<8 {
                // The headers of file and segments are at the start, those of sections at the end.
                let position = Int.random(in: 0..<1024, using: &random)
                bytes[random.next() & 1 == 0 ? position : bytes.count - 1 - position] = UInt8.random(in: 0...255)
            }
            let file = try directory.write("damaged.so", bytes)
            _ = try? PluginFile(file).readBuild()
        }
    }

    @Test("a plugin from other sources of the same version is refused")
    func otherSources() throws {
        let sizes = Plugin.layout.dropLast() + [1]
        let plugin = Plugin(TTLGuardModule.self, version: "1.0", build: .current, layout: Array(sizes))
        let error = #expect(throws: RegistrationError.self) { _ = try lab.registry.load(plugin) }
        #expect(error?.description == "it was built from other sources of Martlet \(PluginBuild.current.library)")
        #expect(lab.registry.modules.isEmpty)
    }

    @Test("the same library under two names is loaded once")
    func twice() throws {
        lab.addFeatureArc()
        let statuses = try load("plugins: {example: , ExamplePlugin: }")
        #expect(statuses.map(\.isLoaded) == [true, false])
        #expect(statuses[1].reason == "it is the same library as the plugin 'example'")
        #expect(lab.registry.modules.count == 1)
    }

    @Test("a plugin whose parts do not fit leaves nothing behind")
    func misfits() throws {
        #expect(
            try load("plugins: {example: }").first?.reason
                == "its feature 'ip4-ttl-guard' wants the feature arc 'ip4-unicast', which does not exist")
        #expect(lab.registry.sections.isEmpty && lab.registry.commands.isEmpty && lab.registry.modules.isEmpty)
        lab.addFeatureArc()
        lab.registry.add(Section("ttl-guard", .anything) { _ in {} })
        #expect(
            try load("plugins: {example: }").first?.reason
                == "it brings the section 'ttl-guard', which exists already")
        // Neither attempt added the node: the graph still builds.
        try lab.engine.build()
        #expect(lab.packets(at: "ip4-ttl-guard") == 0)
    }

    @Test("the rest goes on without a plugin that was refused, unless it is required")
    func required() throws {
        lab.addFeatureArc()
        let text = "plugins:\n  nothing: {file: none.so}\n  example: \n"
        #expect(try load(text).map(\.isLoaded) == [false, true])
        let error = #expect(throws: ConfigurationErrors.self) {
            _ = try load("plugins:\n  nothing: {file: none.so, required: true}\n")
        }
        #expect(
            error?.description.hasSuffix(
                """
                r.yaml:2:12: plugins.nothing: the plugin is required and was refused: the file cannot be read: \
                No such file or directory; correct 'file:', or build the plugin
                """) == true)
    }

    @Test("mistakes in the section are errors with their place")
    func sectionErrors() {
        let error = #expect(throws: ConfigurationErrors.self) {
            _ = try load("plugins:\n  example: {requird: true}\n")
        }
        #expect(
            error?.description.hasSuffix(
                "r.yaml:2:13: plugins.example.requird: unknown key 'requird'; did you mean 'required'?") == true)
    }

    // MARK: - Showing

    @Test("show plugins lists what was loaded and why the rest was not")
    func show() async throws {
        lab.addFeatureArc()
        let statuses = try load("plugins: {example: , nothing: {file: /none.so}}")
        lab.registry.add(PluginLoader.showCommand(statuses))
        let (text, json) = try await lab.run("show plugins")
        #expect(
            text == """
                Plugin   Version  State    What it brings, or why it was refused
                example  1.0      loaded   sections ttl-guard; nodes ip4-ttl-guard; features ip4-ttl-guard on ip4-unicast; \
                commands show ttl-guard
                nothing  -        refused  the file cannot be read: No such file or directory

                """)
        #expect(json.contains("interface_types"))
        let one = try await lab.run("show plugins nothing").text
        #expect(one.contains("Remedy    correct 'file:', or build the plugin"))
        await #expect(throws: CommandError.self) { _ = try await lab.run("show plugins other") }
    }

    @Test("sections that only a refused plugin can know are left out with a warning; slips of the pen stay errors")
    func ignoredSections() throws {
        let text = "plugins: {ha: {file: none.so}}\nha-peers: {a: 1}\nbufers: {}\nbuffers: {}\n"
        let file = try YAMLReader.read(text: text, name: "\(directory.path)/r.yaml")
        let refused = try load(text)
        let schema = Schema.object([.key("plugins", .anything, ""), .key("buffers", .anything, "")])
        func errors(after plugins: [PluginStatus]) -> [String] {
            PluginLoader.excusing(schema, in: file, after: plugins).validate(file).map(\.path)
        }
        #expect(errors(after: refused) == ["bufers"])
        #expect(errors(after: []) == ["ha-peers", "bufers"])
    }
}
