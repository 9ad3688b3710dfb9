// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import Testing
import Wire

@testable import Ethernet

/// What a file may say of bundles, and where mistakes are said.
@Suite @ControlPlane struct BundleConfigurationTests {
    @Test(arguments: [
        (
            "  be0: {type: bundle, members: [a, e]}\n",
            "b.yaml:6:36: interfaces.be0.members[1]: there is no interface 'e'; "
        ),
        (
            "  be0: {type: bundle, members: [a, b, a]}\n",
            "b.yaml:6:39: interfaces.be0.members[2]: a is named twice; name each member once"
        ),
        (
            "  be0: {type: bundle, members: [a, b]}\n  be1: {type: bundle, members: [c, {port: b}]}\n",
            "b.yaml:7:43: interfaces.be1.members[1].port: b is a member of be0 already; keep it in one bundle"
        ),
        (
            "  be0: {type: bundle, members: [a, b], minimum-links: 3}\n",
            "b.yaml:6:55: interfaces.be0.minimum-links: 3 are more links than be0 has; give 2 or less"
        ),
        (
            "  be0: {type: bundle, members: [a, b], minimum-links: 2, maximum-links: 1}\n",
            "b.yaml:6:73: interfaces.be0.maximum-links: of 1 links there are never 2; give 2 or more"
        ),
        (
            "  be0: {type: bundle, members: [a, b], lacp: off, rate: fast}\n",
            "b.yaml:6:57: interfaces.be0.rate: without LACP this means nothing; leave it out, or set 'lacp: active'"
        ),
        (
            "  be0: {type: bundle, members: [a, b], mac: 01:00:00:00:00:01}\n",
            "b.yaml:6:45: interfaces.be0.mac: 01:00:00:00:00:01 is no station's address; give one whose first byte is "
                + "even, and not zero"
        ),
        (
            "  be0: {type: bundle, members: [a, b], mtu: 1600}\n",
            "b.yaml:6:45: interfaces.be0.mtu: 1600 bytes do not fit: a member takes 1500; give 1500 or less"
        ),
        (
            "  be0: {type: bundle, members: []}\n",
            "b.yaml:6:32: interfaces.be0.members: "
        ),
        (
            "  e: {type: test, mac: 02:00:00:00:00:05, addresses: [10.0.0.1/24]}\n  be0: {type: bundle, members: [e]}\n",
            "b.yaml:6:54: interfaces.e.addresses: e is a member of be0, and has nothing of its own; give 'addresses' to "
                + "be0"
        ),
        (
            "  be0: {type: bundle, members: [a]}\n  x: {type: vlan, parent: a, dot1q: 7}\n",
            "b.yaml:7:27: interfaces.x.parent: a is a member of be0: its frames are the bundle's; name be0"
        ),
        (
            "  x: {type: vlan, parent: a, dot1q: 7}\n  be0: {type: bundle, members: [x]}\n",
            "b.yaml:6:13: interfaces.x.type: x is no port, but a member of be0; let be0 have ports alone"
        ),
        (
            "  be0: {type: bundle, members: [a]}\n  be1: {type: bundle, members: [be0]}\n",
            "b.yaml:6:15: interfaces.be0.type: be0 is no port, but a member of be1; let be1 have ports alone"
        ),
        (
            "  be0: {type: bundle, members: [a]}\nbridges:\n  blue: {members: [a, b]}\n",
            "b.yaml:8:20: bridges.blue.members[0]: a is a member of be0: its frames are the bundle's; name be0"
        ),
        (
            "  be0: {type: bundle, members: [a]}\ncross-connects:\n  x: [b, a]\n",
            "b.yaml:8:10: cross-connects.x[1]: a is a member of be0: its frames are the bundle's; name be0"
        ),
    ]) func `mistakes are said where they stand`(text: String, expected: String) {
        let errors = BundleLab.errors(text)
        #expect(errors.count == 1)
        #expect(errors.first?.hasPrefix(expected) == true, "\(errors)")
    }

    @Test func `all keys together`() throws {
        let lab = try BundleLab(
            """
              be0:
                type: bundle
                members: [a, {port: b, priority: 100}]
                lacp: passive
                rate: fast
                hash: l3
                minimum-links: 1
                maximum-links: 1
                system-priority: 1
                mac: 02:00:00:00:01:01
                mtu: 1400
                handoff: true
                addresses: [10.0.0.1/24]

            """)
        let settings = lab.bundle.settings
        #expect(settings.lacp == .passive && settings.rate == .fast && settings.hash == .l3)
        #expect(settings.members.map(\.priority) == [32_768, 100])
        #expect(settings.systemPriority == 1 && settings.minimum == 1 && settings.maximum == 1)
        let actor = try #require(lab.bundle.lacp?.ports[1].actor)
        #expect(actor.port.description == "100,2" && actor.system.description == "1,02:00:00:00:01:01")
        #expect(actor.state.isSuperset(of: [.shortTimeout, .aggregatable]) && !actor.state.contains(.active))
        #expect(!lab.interface("be0").isLinkUp)
    }
}
