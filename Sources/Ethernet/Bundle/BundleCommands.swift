// SPDX-License-Identifier: Apache-2.0
import Graph

/// `show bundle`, `clear bundle`.
@ControlPlane
struct BundleCommands {
    private let manager: BundleManager

    init(_ manager: BundleManager) { self.manager = manager }

    var all: [Command] { [showBundle, clearBundle] }

    private var names: Command.Completion { { [manager] in manager.bundles.map(\.interface.name) } }

    private var showBundle: Command {
        Command(
            ["show", "bundle"], "Bundles with their members, or all about one of them and its LACP",
            [.argument("name", "The bundle", completing: names)]
        ) { [manager] arguments in
            let bundles = try BundleCommands.bundles(arguments["name"], manager)
            return BundleReport(bundles, isDetailed: arguments["name"] != nil, manager.engine)
        }
    }

    private var clearBundle: Command {
        Command(
            ["clear", "bundle"], "Starts LACP's counters anew",
            [.argument("name", "Only this bundle's", completing: names)]
        ) { [manager] arguments in
            for bundle in try BundleCommands.bundles(arguments["name"], manager) { bundle.clearCounters() }
            return Notice("LACP counters cleared")
        }
    }

    private static func bundles(_ name: String?, _ manager: BundleManager) throws(CommandError) -> [Bundle] {
        guard let name else { return manager.bundles }
        if let bundle = manager.bundle(named: name) { return [bundle] }
        throw .notFound(
            "there is no bundle '\(name)'",
            Spelling.hint(for: name, among: manager.bundles.map(\.interface.name)))
    }
}
