// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph
import Testing

@testable import MyFeature

@Suite("my-feature")
struct MyFeatureTests {
    @Test("the decision, without a graph", arguments: [(20, true), (100, true), (101, false)])
    func decision(length: Int, passes: Bool) {
        var settings = MyFeature.Settings()
        settings.longest = 100
        let published = Published(settings)
        let passed = PerWorker(UInt64(0), workerCount: 1)
        var node = MyFeature(settings: published.reader, passed: passed.slot(0))
        let trial = node.trial([UInt8](repeating: 0, count: length))
        #expect(trial.verdict == (passes ? .nextFeature : .drop(.tooLong)))
        #expect(trial.trace.description == "\(length) bytes, at most 100 wanted")
        #expect(passed.values == [passes ? 1 : 0])
    }

    /// graph.yaml as `martlet run` takes it: the plugin is loaded from its library.
    @Test("the plugin in a router")
    @ControlPlane
    func router() async throws {
        let file = URL(filePath: #filePath).appending(path: "../../../graph.yaml").standardized.path
        let router = try Router(file: file)
        try router.prepare()
        router.engine.runToEnd()
        let drops = router.engine.dropSamples().filter { $0.node == MyFeature.name }
        #expect(drops.map(\.reason) == ["too-long"])
        #expect(drops.map(\.count) == [300])
        #expect(router.engine.buffersInUse == 0)
        let show = try CommandGrammar(router.commands).resolve(["show", "my-feature"])
        let report = try await show.command.handler(show.arguments)
        #expect(TextRenderer.render(report.body).contains("700"))
    }
}
