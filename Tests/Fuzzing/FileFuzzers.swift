// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Interfaces
import Wire

extension TextFuzzer {
    /// Frames in words: one line, a listing, from Ethernet, from IPv4 and from IPv6 on.
    static let dissection = TextFuzzer(
        "dissection", { TextMutator(seeds: PacketSeeds.frames, words: ["\u{8}\0", "E"]) }
    ) { input in
        var frame = input
        let text = frame.withBytes { window in
            PacketDescription(window).listing + PacketDescription(window, isSnapped: true).line
                + PacketDescription(ipv4: window).listing + PacketDescription(ipv4: window.dropping(first: 14)).line
                + PacketDescription(ipv6: window).listing + PacketDescription(ipv6: window.dropping(first: 14)).line
        }
        if frame != input { throw FuzzFailure("a description changed the packet") }
        if text.isEmpty { throw FuzzFailure("a packet without a description") }
    }

    /// Frames through whatever reads headers: walks end within the packet, hashes are the same twice.
    static let headers = TextFuzzer("headers", { TextMutator(seeds: PacketSeeds.frames, words: ["\u{0}\u{1}", "<"]) }) {
        input in
        var frame = input
        try frame.withBytes { window throws(FuzzFailure) in
            for offset in [0, EthernetView.length] { try HeaderCheck.walk(window.dropping(first: offset)) }
        }
        if frame != input { throw FuzzFailure("reading headers changed the packet") }
    }

    private static let routeLines = """
        # prefix next-hop
        192.0.2.0/24 10.0.0.1
        0.0.0.0/0\t17   # default
        198.51.100.1/32 4294967295\r

        10.0.0.0/8 0
        2001:db8::/32 fe80::1
        ::/0 0
        2001:db8::1/128 192.0.2.1
        """

    static let routes = TextFuzzer(
        "routes",
        {
            TextMutator(
                seeds: [Array(routeLines.utf8)],
                words: ["0.0.0.0/0", "/33", "256.1.1.1/8", "10.0.0.1/8", "1.2.3", "#", "::", "/129", "2001:db8::1/64"])
        }
    ) { input in
        let table = try RouteTable<IPv4Prefix> { $0() }
        let table6 = try RouteTable<IPv6Prefix> { $0() }
        let file = RouteFile(path: "fuzz", text: String(decoding: input, as: UTF8.self))
        do throws(RouteFileError) {
            try file.forEach { entry in
                switch entry.prefix {
                case .v4(let prefix): try table.set(prefix, result: 1)
                case .v6(let prefix): try table6.set(prefix, result: 1)
                }
            }
        } catch {
            if error.line ?? 0 < 1 || error.column ?? 0 < 1 { throw FuzzFailure("an error without a place: \(error)") }
        }
    }

    private static let expressions = [
        "", "ip", "udp port 53", "ip host 192.0.2.1 and tcp[13] & 2 != 0", "vlan 7 and ip", "ether[0] & 1 = 0",
        "net 10.0.0.0/8 or (icmp and len > 100)", "portrange 1-1024", "ip6 or mpls", "not arp", "ether proto 0x88b5",
    ]

    static let filter = TextFuzzer(
        "filter",
        {
            TextMutator(
                seeds: expressions.map { Array($0.utf8) },
                words: expressions.flatMap { $0.split(separator: " ").map(String.init) })
        }
    ) { input in
        guard let filter = try? PacketFilter(String(decoding: input, as: UTF8.self)) else { return }
        for frame in PacketSeeds.frames {
            var frame = frame
            for length in [0, 13, 14, 33, frame.count] { frame.withBytes { _ = filter.matches($0.prefix(length)) } }
        }
    }

    /// A classic capture of some frames, and the beginning of a pcapng one.
    private static var captures: [[UInt8]] {
        func little(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        let header = little(0xa1b2_c3d4) + [2, 0, 4, 0] + little(0) + little(0) + little(65535) + little(1)
        let records = PacketSeeds.frames.prefix(8).flatMap {
            little(1) + little(2) + little($0.count) + little($0.count) + $0
        }
        let section =
            little(0x0a0d_0d0a) + little(28) + little(0x1a2b_3c4d) + [1, 0, 0, 0] + little(-1) + little(-1) + little(28)
        let interface = little(1) + little(20) + [1, 0, 0, 0] + little(65535) + little(20)
        let packet =
            little(6) + little(48) + little(0) + little(0) + little(1) + little(14) + little(14)
            + PacketSeeds.frames[0].prefix(14) + [0, 0] + little(48)
        return [header + records, section + interface + packet]
    }

    static let capture = TextFuzzer(
        "capture",
        {
            TextMutator(
                seeds: captures, words: ["\u{4d}\u{3c}\u{2b}\u{1a}", "\u{1}\0\0\0", "\u{7f}\u{7f}\u{7f}\u{7f}"])
        }
    ) { input in
        try await FuzzFiles.withFile(input) { path in
            guard let reader = try? CaptureReader(path: path) else { return }
            while let record = try? reader.next() {
                if record.bytes.count > 1 << 20 { throw FuzzFailure("a record of \(record.bytes.count) bytes") }
                _ = PacketDescription(record.bytes, isSnapped: true).line
            }
        }
    }
}
