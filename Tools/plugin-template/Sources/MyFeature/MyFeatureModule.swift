// SPDX-License-Identifier: Apache-2.0
import Graph

/// The plugin's entry: the host calls it once, after it has seen that both were built alike.
@c(martlet_plugin)
public func martletPlugin() -> UnsafeMutableRawPointer { Plugin.describe(MyFeatureModule.self, version: "0.1") }

/// Brings the node, its place on the feature arc `ip4-unicast`, the section `my-feature` and the command that shows it.
@ControlPlane
public final class MyFeatureModule: Module {
    public nonisolated static let name = "my-feature"
    static let arc = "ip4-unicast"

    nonisolated static let schema = Schema.object(
        [
            .required("interfaces", .list(of: .text(.name), count: 1...1024), "Where the judged packets come in"),
            .required("longest", .integer(20...65535), "The longest packet that passes, in bytes from its IPv4 header"),
        ], doc: "Drops packets that are longer than a limit")

    private let settings = Published(MyFeature.Settings())
    private var passed = PerWorker(UInt64(0), workerCount: 1)

    public init() {}

    public func register(in registry: Registry) {
        let engine = registry.engine
        passed = PerWorker(0, workerCount: engine.workers.count)
        registry.add(
            NodeDescriptor(MyFeature.self) { [passed, settings = settings.reader] seat in
                MyFeature(settings: settings, passed: passed.slot(seat.worker))
            })
        registry.add(Feature(MyFeature.name, on: MyFeatureModule.arc))
        registry.add(
            Section("my-feature", MyFeatureModule.schema) { [self] setting throws(ConfigurationErrors) in
                let settings = try MyFeatureModule.settings(setting)
                return { [self] in try apply(settings, setting, to: engine) }
            })
        registry.add(
            Command(["show", "my-feature"], "The limit, and the packets that kept to it") { [self] _ in
                MyFeatureReport(longest: settings.value.longest, passed: passed.values.reduce(0, &+))
            })
    }

    /// Reads what the schema has passed.
    private static func settings(_ setting: Setting) throws(ConfigurationErrors) -> MyFeature.Settings {
        try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
            var settings = MyFeature.Settings()
            settings.longest = try setting.required("longest").integer(in: 20...65535)
            return settings
        }
    }

    private func apply(_ new: MyFeature.Settings, _ setting: Setting, to engine: Engine) throws {
        settings.set(new, on: engine)
        for name in try setting.required("interfaces").list {
            guard let interface = engine.interface(named: try name.string) else {
                let hint = Spelling.hint(for: try name.string, among: engine.interfaces.map(\.name))
                throw name.error("there is no interface \(name.written)", hint)
            }
            try engine.setFeature(MyFeature.name, on: MyFeatureModule.arc, interface: interface, true)
        }
    }
}

/// The answer to `show my-feature`.
struct MyFeatureReport: Report {
    let longest: UInt32
    let passed: UInt64

    var body: [TextBlock] { [.facts([.init("Longest", "\(longest) bytes"), .init("Passed", "\(passed)")])] }
}
