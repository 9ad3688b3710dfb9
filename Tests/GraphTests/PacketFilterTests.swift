// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@Suite("Packet filter")
struct PacketFilterTests {
    static let port = PacketBuilder().ethernet(from: MACAddress(2, 0, 0, 0, 0, 1), to: MACAddress(2, 0, 0, 0, 0, 2))
    static let dns = port.ipv4(from: IPv4Address(192, 0, 2, 1), to: IPv4Address(192, 0, 2, 2))
        .udp(from: 4000, to: 53).payload(count: 20)
    static let tagged = port.vlan(7).ipv4(from: IPv4Address(192, 0, 2, 1), to: IPv4Address(192, 0, 2, 2))
        .tcp(from: 1, to: 2, flags: .syn)

    static func matches(_ expression: String, _ packet: PacketBuilder) throws -> Bool {
        let filter = try PacketFilter(expression)
        return packet.withFrame { filter.matches($0) }
    }

    @Test(arguments: ["udp port 53", "ip src 192.0.2.1", "ether dst 02:00:00:00:00:02", "len < 100", ""])
    func takesWhatTcpdumpWould(expression: String) throws {
        #expect(try Self.matches(expression, Self.dns))
    }

    @Test(arguments: ["udp port 54", "arp", "vlan 7", "ip6", "tcp"])
    func leavesTheRest(expression: String) throws {
        #expect(try !Self.matches(expression, Self.dns))
    }

    @Test func looksBehindTags() throws {
        #expect(try Self.matches("vlan 7 and tcp[tcpflags] & tcp-syn != 0", Self.tagged))
        #expect(try !Self.matches("vlan 8", Self.tagged))
    }

    @Test func shortFramesDoNotMatch() throws {
        let filter = try PacketFilter("udp port 53")
        Self.dns.withFrame { frame in
            for length in 0..<34 { #expect(!filter.matches(frame.prefix(length))) }
        }
    }

    @Test func badExpressionsAreExplained() {
        #expect {
            try PacketFilter("port banana")
        } throws: { error in
            let text = "\(error)"
            return text.contains("'port banana'") && text.contains("tcpdump") && text.contains("unknown port")
        }
        #expect(throws: PacketFilter.Failure.self) { try PacketFilter("ip and (") }
        #expect(throws: PacketFilter.Failure.self) { try PacketFilter("\u{1F426}") }
    }
}
