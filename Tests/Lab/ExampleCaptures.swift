// SPDX-License-Identifier: Apache-2.0
import Wire

/// The packets of `Graphs/pcap-router-lan0.pcap`: what the client of the example sends.
enum ExampleCaptures {
    static let all: [(name: String, packets: [PacketBuilder])] = [("pcap-router-lan0.pcap", client)]

    private static let clientStation = MACAddress("02:00:00:00:00:0a")!
    private static let lan0 = MACAddress("02:00:00:00:01:01")!
    private static let clientAddress = IPv4Address("192.0.2.10")!
    private static let serverAddress = IPv4Address("198.51.100.10")!
    private static let lan0Address = IPv4Address("192.0.2.1")!

    private static var fromClient: PacketBuilder { PacketBuilder().ethernet(from: clientStation, to: lan0) }

    private static func datagram(_ number: Int, timeToLive: UInt8 = 64) -> PacketBuilder {
        fromClient.ipv4(from: clientAddress, to: serverAddress, timeToLive: timeToLive, identification: UInt16(number))
            .udp(from: 40_000 + UInt16(number % 8), to: 9).payload(count: 26)
    }

    private static var client: [PacketBuilder] {
        [
            PacketBuilder().ethernet(from: clientStation, to: .broadcast)
                .arp(.request(for: lan0Address, from: clientStation, clientAddress)).padded(),
            fromClient.ipv4(from: clientAddress, to: lan0Address)
                .icmp(.echoRequest(identifier: 7, sequence: 1)).payload(count: 56),
        ] + (0..<16).map { datagram($0) } + [
            // What a router must not forward: expired, without a route, damaged, for another station, cut short.
            datagram(16, timeToLive: 1),
            fromClient.ipv4(from: clientAddress, to: IPv4Address("203.0.113.1")!).udp(from: 40_000, to: 9).payload(
                count: 26),
            datagram(17).overwrite(at: 24, 0xde, 0xad),
            PacketBuilder().ethernet(from: clientStation, to: MACAddress("02:00:00:00:0f:0f")!)
                .ipv4(from: clientAddress, to: serverAddress).udp(from: 40_000, to: 9).payload(count: 26),
            datagram(18).cut(to: 50),
        ]
    }

    /// A capture file with the packets a millisecond apart, from the first second of 2026 on.
    static func file(_ packets: [PacketBuilder]) -> [UInt8] {
        func word(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        // The header: microseconds, version 2.4, Ethernet.
        var bytes = word(0xa1b2_c3d4) + [2, 0, 4, 0] + word(0) + word(0) + word(65535) + word(1)
        for (number, packet) in packets.enumerated() {
            let frame = packet.bytes
            let length = word(UInt32(frame.count))
            bytes += word(1_767_225_600) + word(UInt32(number * 1000)) + length + length + frame
        }
        return bytes
    }
}
