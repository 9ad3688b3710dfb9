// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph
import Testing

@Suite("Checking a file")
struct CheckTests {
    /// A router may be running with the very file that is checked: its counters stay where other processes find them.
    @Test func touchesNoStatsSegment() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-check-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let segment = directory.appending(path: "stats")
        try Data("counters".utf8).write(to: segment)
        let file = directory.appending(path: "router.yaml")
        try Data("interfaces: {wan0: {type: 'null'}}\nstats: {path: \(segment.path)}\n".utf8).write(to: file)

        #expect(await Router.check(file: file.path).map(\.description) == [])
        #expect(try String(contentsOf: segment, encoding: .utf8) == "counters")
    }

    /// A file that passes must start: what only the tables can tell is found as well.
    @Test(arguments: [
        ("routes: [{to: 20.0.0.0/8, via: {address: 10.1.0.2, labels: [3]}}]", "label 3, implicit null, is never sent"),
        (
            "routes: [{to: default, via: 10.1.0.2}, {to: 20.0.0.0/8, via: 255.255.255.255}]",
            "255.255.255.255 is not one host's address"
        ),
        ("bfd: {sessions: [{peer: 10.1.0.2}, {peer: 10.1.0.2, interface: wan0}]}", "there is a session with 10.1.0.2"),
        (
            "bfd: {sessions: [{peer: 10.7.0.2, multihop: true, local-address: 10.9.9.9}]}",
            "10.9.9.9 is no address of this router"
        ),
        (
            "mpls: {labels: [{label: 101, via: 10.1.0.2, backup: {via: 10.1.0.2}}]}",
            "10.1.0.2 cannot be its own backup"
        ),
        (
            "fast-reroute: {interfaces: [{interface: wan0, backup: {address: 10.1.0.3}}]}",
            "the backup 10.1.0.3 is on the link wan0 itself"
        ),
        (
            "fast-reroute: {next-hops: [{address: 10.1.0.2, backup: {address: 10.1.0.3}},"
                + " {address: 10.1.0.2, backup: {address: 10.1.0.4}}]}", "10.1.0.2 has a backup already, in line 4"
        ),
    ])
    func findsWhatTablesRefuse(section: String, problem: String) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "martlet-check-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        let interfaces = """
            interfaces:
              wan0: {type: af-xdp, addresses: [10.1.0.1/24, 2001:db8::1/64], mpls: true}
              wan0.7: {type: vlan, parent: wan0, dot1q: 7, vrf: red, addresses: [10.2.0.1/24]}

            """
        try Data(interfaces.utf8).write(to: file)
        #expect(await Router.check(file: file.path).map(\.description) == [])
        try Data((interfaces + section).utf8).write(to: file)
        let errors = await Router.check(file: file.path).map(\.description)
        #expect(errors.count == 1 && errors.first?.contains(problem) == true, "\(errors)")
    }
}
