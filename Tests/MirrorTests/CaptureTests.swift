// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import Mirror

/// Which packets capture lists choose.
@Suite @ControlPlane struct CaptureTests {
    private static let hosts = (MACAddress(0x0a00_0000_0001), MACAddress(0x0a00_0000_0002))

    private static func builder(_ tags: Int = 0) -> PacketBuilder {
        let ethernet = PacketBuilder().ethernet(from: hosts.0, to: hosts.1)
        return (0..<tags).reduce(ethernet) { builder, number in builder.vlan(VLANTag(identifier: UInt16(number + 1))) }
    }

    private static func udp(tags: Int = 0, from: UInt16 = 10, to: UInt16 = 53, payload: Int = 20) -> [UInt8] {
        builder(tags).ipv4(from: IPv4Address(10, 1, 1, 7), to: IPv4Address(192, 0, 2, 9))
            .udp(from: from, to: to).payload(bytes(payload)).bytes
    }

    private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0) } }

    /// Whether a list whose lines these are captures a frame.
    private func captures(_ list: String, _ frame: [UInt8]) throws -> Bool {
        let lab = try MirrorLab(
            "capture-lists:\n  some:\n\(list)\nmonitor-sessions: {lab: {destination: p, sources: [{interface: a, acl: some, "
                + "direction: rx}]}}")
        lab.send([frame], by: "a")
        return lab.sent("p") == [frame]
    }

    private func entries(_ lines: String...) -> String {
        "    entries:\n" + lines.map { "      - {\($0)}\n" }.joined()
    }

    @Test func `only what an entry permits and captures is copied`() throws {
        let frame = CaptureTests.udp()
        #expect(try captures(entries("action: permit, capture: true"), frame))
        #expect(try !captures(entries("action: permit"), frame))
        #expect(try !captures(entries("action: deny"), frame))
        #expect(try !captures("    entries: []", frame), "no entry, no copy")
        #expect(
            try !captures(entries("action: deny, protocol: udp", "action: permit, capture: true"), frame),
            "the first entry decides")
        #expect(
            try captures(
                entries(
                    "action: permit, protocol: udp, from: 10.1.1.0/24, from-port: 10, capture: true",
                    "action: permit, protocol: udp, from: 10.1.1.0/24, from-port: 20"), frame))
        #expect(
            try !captures(
                entries(
                    "action: permit, protocol: udp, from: 10.1.1.0/24, from-port: 10, capture: true",
                    "action: permit, protocol: udp, from: 10.1.1.0/24, from-port: 20"), CaptureTests.udp(from: 20)))
    }

    @Test(arguments: [0, 1, 2]) func `addresses, protocols and ports, behind tags too`(tags: Int) throws {
        let frame = CaptureTests.udp(tags: tags)
        for right in [
            "protocol: ipv4", "protocol: udp", "protocol: 17", "from: 10.1.1.7/32", "to: 192.0.2.0/24",
            "from: 0.0.0.0/0",
            "from-port: 10", "to-port: 50-60", "ether-type: 0x0800",
        ] {
            #expect(try captures(entries("action: permit, capture: true, \(right)"), frame), "\(right)")
        }
        for wrong in [
            "protocol: ipv6", "protocol: tcp", "protocol: 1", "from: 10.1.1.8/32", "to: 192.0.3.0/24", "from-port: 11",
            "to-port: 54-60", "ether-type: 0x86dd", "label: 100", "from: '::/0'",
        ] {
            #expect(try !captures(entries("action: permit, capture: true, \(wrong)"), frame), "\(wrong)")
        }
    }

    @Test func `IPv6 behind extension headers, and MPLS by its label`() throws {
        let frame = PacketBuilder().ethernet(from: CaptureTests.hosts.0, to: CaptureTests.hosts.1)
            .ipv6(from: IPv6Address("2001:db8::7")!, to: IPv6Address("2001:db8:1::9")!)
            .udp(from: 10, to: 53).payload([1, 2, 3]).bytes
        #expect(
            try captures(
                entries("action: permit, capture: true, from: '2001:db8::/64', to: '2001:db8:1::9/128', to-port: 53"),
                frame))
        #expect(try !captures(entries("action: permit, capture: true, from: '2001:db8:0:1::/64'"), frame))
        let type = EtherType.mpls
        let labelled =
            PacketBuilder().ethernet(from: CaptureTests.hosts.0, to: CaptureTests.hosts.1, type: type)
            .payload([0x00, 0x06, 0x41, 0x40]).bytes + Array(CaptureTests.udp().dropFirst(14))
        #expect(try captures(entries("action: permit, capture: true, label: 100"), labelled))
        #expect(try !captures(entries("action: permit, capture: true, label: 101"), labelled))
        let inner = "    udfs: {x: {header: inner, layer: l4, offset: 2, length: 2}}\n"
        #expect(try captures(inner + entries("action: permit, capture: true, udfs: {x: 53}"), labelled))
    }

    /// The frame's byte at `offset` from each header, by the operator's own words.
    @Test(arguments: [
        ("outer, layer: l2, offset: 12, length: 2", "0x8100", true),
        ("outer, layer: l2, offset: 12, length: 2", "0x8101/0xfffe", true),
        ("outer, layer: l2, offset: 12, length: 2", "0x8102/0xfffe", false),
        ("outer, layer: l3, offset: 12, length: 4", "0x0a010107", true),
        ("outer, layer: l3, offset: 9, length: 1", "17", true),
        ("outer, layer: l4, offset: 2, length: 2", "53", true),
        ("outer, layer: l4, offset: 8, length: 3", "0x000102", true),
        ("outer, layer: l4, offset: 63, length: 1", "55", true),
        ("outer, layer: l4, offset: 63, length: 2", "0x3738", true),
        ("outer, layer: l4, offset: 63, length: 3", "0x373839/0", false),
        ("inner, layer: l3, offset: 0, length: 1", "0/0", false),
    ])
    func `user-defined fields count from their header's start`(place: String, value: String, isMatch: Bool) throws {
        let frame = CaptureTests.udp(tags: 1, payload: 57)
        let list =
            "    udfs: {x: {header: \(place)}}\n" + entries("action: permit, capture: true, udfs: {x: \(value)}")
        #expect(try captures(list, frame) == isMatch)
    }

    @Test func `a field beyond a short packet matches nothing, not even with a mask of 0`() throws {
        let list = "    udfs: {x: {header: outer, layer: l4, offset: 40, length: 4}}\n"
        #expect(try !captures(list + entries("action: permit, capture: true, udfs: {x: 0/0}"), CaptureTests.udp()))
        #expect(
            try captures(
                list + entries("action: permit, capture: true, udfs: {x: 0/0}"), CaptureTests.udp(payload: 36)))
    }

    @Test func `the inner headers of IP in IP, GRE and VXLAN`() throws {
        let inner = Array(CaptureTests.udp(from: 7777).dropFirst(14))
        func outer(_ protocol: UInt8, _ data: [UInt8]) -> [UInt8] {
            var frame = CaptureTests.builder().ipv4(from: IPv4Address(10, 0, 0, 1), to: IPv4Address(10, 0, 0, 2))
                .payload(data)
                .bytes
            frame[14 + 9] = `protocol`
            return frame
        }
        let gre: [UInt8] = [0x20, 0, 0x08, 0x00, 0, 0, 0, 1]
        let vxlan: [UInt8] = [0x30, 0x39, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0]
        let list = "    udfs: {x: {header: inner, layer: l4, offset: 0, length: 2}}\n"
        let rule = list + entries("action: permit, capture: true, udfs: {x: 7777}")
        #expect(try captures(rule, outer(4, inner)))
        #expect(try captures(rule, outer(47, gre + inner)))
        #expect(try captures(rule, outer(17, vxlan + CaptureTests.udp(from: 7777))))
        #expect(try !captures(rule, outer(17, vxlan + CaptureTests.udp(from: 7776))))
        #expect(try !captures(rule, outer(47, gre)), "nothing inside")
    }

    @Test func `mistakes in lists have their place and their remedy`() {
        func errors(_ list: String) -> [String] { MirrorLab.errors("capture-lists:\n  some:\n\(list)") }
        #expect(
            errors(entries("action: deny, capture: true")).first?.contains(
                "what is denied is not copied; remove `capture:`, or permit it") == true)
        #expect(
            errors(entries("action: permit, protocol: ipv6, from: 10.0.0.0/8")).first?.contains(
                "no packet is both IPv4 and IPv6") == true)
        #expect(
            errors(entries("action: permit, udfs: {x: 1}")).first?.contains("the list has no field 'x'") == true)
        #expect(
            errors(
                "    udfs: {x: {header: outer, layer: l2, offset: 0, length: 1}}\n"
                    + entries("action: permit, udfs: {x: 256}")
            ).first?.contains("'256' is longer than the field; it has 8 bits") == true)
        #expect(
            errors("    udfs: {x: {header: outer, layer: l2, offset: 64, length: 1}}\n    entries: []").first?.contains(
                "64 is too large; give 0 to 63") == true)
        let fields = (1...9).map { "f\($0): {header: outer, layer: l2, offset: 0, length: 1}" }.joined(separator: ", ")
        #expect(errors("    udfs: {\(fields)}\n    entries: []").first?.contains("9 fields in one list") == true)
        #expect(
            MirrorLab.errors("monitor-sessions: {lab: {destination: p, sources: [{interface: a, acl: som}]}}").first?
                .contains("there is no capture list 'som'") == true)
    }
}
