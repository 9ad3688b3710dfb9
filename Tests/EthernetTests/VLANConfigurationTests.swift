// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Ethernet

/// What a file may say of sub-interfaces that take more than one stack of tags, or rewrite them.
@Suite @ControlPlane struct VLANConfigurationTests {
    private func router(_ text: String) throws -> Router {
        let router = try Router(
            YAMLReader.read(
                text: "interfaces:\n  p: {type: test, mac: 02:00:00:00:00:01}\n" + text, name: "v.yaml"),
            modules: [TestPorts.self])
        try router.prepare()
        return router
    }

    private func errors(_ text: String) -> [String] {
        do {
            _ = try router(text)
            return []
        } catch let errors as ConfigurationErrors {
            return errors.all.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    private nonisolated static func x(_ rest: String, more: String = "") -> String {
        "  x: {type: vlan, parent: p, \(rest)}\n" + more
    }

    struct Mistake: Sendable {
        let text: String
        let expected: String

        /// - Parameter parts: Of what is said.
        init(_ text: String, _ parts: String...) {
            self.text = text
            expected = parts.joined()
        }
    }

    nonisolated static let mistakes: [Mistake] = [
        Mistake(
            x("dot1q: 20-10"),
            "v.yaml:3:37: interfaces.x.dot1q: '20-10' is not a VLAN, a range of 1 to 4094, or 'any'; give one ",
            "like 100, 10-20 or any"),
        Mistake(
            x("dot1q: [7, any]"),
            "v.yaml:3:41: interfaces.x.dot1q[1]: 'any' is not a VLAN or a range of 1 to 4094; give one like 100 ",
            "or 10-20"),
        Mistake(
            x("default: true, second-dot1q: 7"),
            "v.yaml:3:59: interfaces.x.second-dot1q: 'x' is told by no first tag, so there is no second one; ",
            "give the first with 'dot1q:' or 'dot1ad:'"),
        Mistake(
            x("untagged: true, exact: false"),
            "v.yaml:3:6: interfaces.x: 'x' is untagged, and 'exact: false' is for tags; leave 'exact' out"),
        Mistake(
            x("untagged: false"),
            "v.yaml:3:6: interfaces.x: 'x' has no tag; give it one of 'dot1q:', 'dot1ad:', 'untagged: true' and ",
            "'default: true'"),
        Mistake(
            x("dot1q: 7-8, addresses: [10.0.0.1/24]"),
            "v.yaml:3:53: interfaces.x.addresses: 'x' has addresses, but its frames (dot1q 7-8) do not all have ",
            "the same tags: it is not clear which the router's own would get; match one stack of tags exactly, ",
            "or make it a member of a bridge whose 'type: bvi' has the addresses"),
        Mistake(
            x("dot1q: 7, exact: false, addresses: [10.0.0.1/24]"),
            "v.yaml:3:65: interfaces.x.addresses: 'x' has addresses, but its frames (dot1q 7, deeper too) do not ",
            "all have the same tags: it is not clear which the router's own would get; match one stack of tags ",
            "exactly, or make it a member of a bridge whose 'type: bvi' has the addresses"),
        Mistake(
            x("dot1q: 7, rewrite: {pop: 1}, addresses: [10.0.0.1/24]"),
            "v.yaml:3:70: interfaces.x.addresses: 'x' has addresses and a rewrite: tags of routed packets are ",
            "taken off and put on without it; leave 'rewrite' out, or make it a member of a bridge whose 'type: ",
            "bvi' has the addresses"),
        Mistake(
            x("dot1q: 7, priority: keep"),
            "v.yaml:3:50: interfaces.x.priority: without 'rewrite' there is no tag whose priority could be kept; ",
            "give 0 to 7"),
        Mistake(
            x("dot1q: 7, rewrite: {pop: 2}"),
            "v.yaml:3:55: interfaces.x.rewrite.pop: 'x' is told by dot1q 7, and 'pop: 2' takes off more; give 1, ",
            "or match the second tag, too"),
        Mistake(
            x("default: true, rewrite: {pop: 1}"),
            "v.yaml:3:60: interfaces.x.rewrite.pop: 'x' is told by default, and 'pop: 1' takes off more; leave ",
            "'pop' out"),
        Mistake(
            x("dot1q: any, rewrite: {pop: 1}"),
            "v.yaml:3:57: interfaces.x.rewrite.pop: a tag that is taken off has to be put back, and dot1q any ",
            "does not say which VLAN it was; match one VLAN, or leave the tag on"),
        Mistake(
            x("dot1q: 7, second-dot1q: 1-9, rewrite: {pop: 2}"),
            "v.yaml:3:74: interfaces.x.rewrite.pop: a tag that is taken off has to be put back, and dot1q 7 ",
            "second-dot1q 1-9 does not say which VLAN it was; match one inner VLAN, or pop 1"),
        Mistake(
            x("dot1q: 7, rewrite: {pop: 0}"),
            "v.yaml:3:49: interfaces.x.rewrite: the rewrite of 'x' changes nothing; give it 'pop:' or 'push:'"),
        Mistake(
            x("dot1q: 7, rewrite: {push: {second-dot1q: 7}}"),
            "v.yaml:3:56: interfaces.x.rewrite.push: there is no outer tag to push; give 'dot1q:' or 'dot1ad:', ",
            "and an inner tag with 'second-dot1q:'"),
        Mistake(
            x("dot1q: 5-9", more: "  y: {type: vlan, parent: p, dot1q: [1, 8-20]}\n"),
            "v.yaml:4:6: interfaces.y: p's frames with dot1q 8 are x's already; give one of them other tags"),
        Mistake(
            x("default: true", more: "  y: {type: vlan, parent: p, default: true}\n"),
            "v.yaml:4:6: interfaces.y: p's frames with default are x's already; give one of them other tags"),
        Mistake(
            "  q: {type: test, mac: 02:00:00:00:00:02, addresses: [10.0.0.1/24]}\n  y: {type: vlan, parent: q, untagged: true}\n",
            "v.yaml:4:40: interfaces.y.untagged: q has addresses, and 'y' would take its untagged frames; give ",
            "the addresses to a sub-interface with 'untagged: true', or leave this one out"),
    ]

    @Test(arguments: mistakes) func `mistakes are said where they stand`(mistake: Mistake) {
        #expect(errors(mistake.text) == [mistake.expected])
    }

    @Test func `show says what matches, and what is rewritten`() throws {
        let engine = try router(
            """
              a: {type: vlan, parent: p, dot1q: "20-30, 7", second-dot1q: any}
              b: {type: vlan, parent: p, dot1ad: 7, exact: false, rewrite: {pop: 1, push: {dot1q: 8, second-dot1q: 9}}}
              c: {type: vlan, parent: p, untagged: true, addresses: [10.0.0.1/24]}
              d: {type: vlan, parent: p, default: true, rewrite: {push: {dot1ad: 5}}}

            """
        ).engine
        let details = ["a", "b", "c", "d"].map { name in
            engine.interface(named: name)!.details.dropFirst().map { "\($0.name) \($0.value)" }
        }
        #expect(
            details == [
                ["tags dot1q 7,20-30 second-dot1q any"],
                ["tags dot1ad 7, deeper too", "rewrite pop 1, push dot1q 8 second-dot1q 9"], ["tags untagged"],
                ["tags default", "rewrite push dot1ad 5"],
            ])
        #expect(["a", "b", "c", "d"].map { engine.interface(named: $0)!.mtu } == [1496, 1500, 1500, 1500])
    }

    @Test func `other features can ask whose a frame is`() throws {
        let router = try router(Self.x("dot1q: 5-9", more: "  y: {type: vlan, parent: p, default: true}\n"))
        let finder = try #require(router.registry.module(EthernetModule.self)?.subInterfaces)
        let port = try #require(router.engine.interface(named: "p")).index
        func name(_ bytes: [UInt8]) -> String? {
            var bytes = bytes
            let found = bytes.withUnsafeMutableBytes {
                finder.interface(of: Bytes(start: $0.baseAddress!, count: $0.count), on: port)
            }
            return router.engine.interfaces.first { $0.index == found }?.name
        }
        #expect(name(BridgeLab.frame(1, 2, vlan: 7)) == "x" && name(BridgeLab.frame(1, 2)) == "y")
        #expect(name(Array(BridgeLab.frame(1, 2, vlan: 7).prefix(13))) == nil)
    }
}
