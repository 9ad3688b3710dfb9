// SPDX-License-Identifier: Apache-2.0
import Wire

// Packets of tunnels: those of each router, with all kinds of payloads, and what no tunnel has.
extension PacketSeeds {
    static var tunnelled: [PacketBuilder] {
        let (near, far) = (IPv4Address(10, 1, 0, 1), IPv4Address(10, 1, 0, 2))
        let (near6, far6) = (IPv6Address("2001:db8:9::1")!, IPv6Address("2001:db8:9::9")!)
        let (main6, other6) = (IPv6Address("2001:db8:1::1")!, IPv6Address("2001:db8:1::2")!)
        let heads: [(Int) -> PacketBuilder] = [
            { link().ipv4(from: far, to: near).gre(hasChecksum: true, key: 7, sequence: UInt32($0)) },
            { _ in link().ipv6(from: far6, to: near6, trafficClass: 3).gre() },
            { _ in link().ipv6(from: other6, to: main6).gre(key: 7) },
            { _ in link().ipv4(from: IPv4Address(8, 8, 8, 8), to: near, trafficClass: 3).gre() },
            { _ in link().ipv4(from: IPv4Address(172, 16, 0, 1), to: near, options: [1, 1, 1, 1]).gre() },
            { _ in
                link().ipv6(from: far6, to: near6).gre()
                    .ipv4(from: IPv4Address(10, 9, 1, 2), to: IPv4Address(10, 9, 1, 1)).gre()
            },
            { _ in link().ipv6(from: far6, to: near6).destinationOptions([]).gre() },
        ]
        var packets: [PacketBuilder] = []
        for (number, head) in heads.enumerated() {
            let head = head(number)
            packets += [
                head.ipv4(from: IPv4Address(10, 90, 0, 1), to: IPv4Address(192, 0, 2, 9)).udp(from: 1, to: 2)
                    .payload(count: 8),
                head.ipv4(from: IPv4Address(10, 9, 1, 2), to: IPv4Address(10, 9, 1, 1), timeToLive: 1).icmp(
                    .echoRequest(identifier: 1, sequence: 1)),
                head.ipv6(from: other6, to: IPv6Address("2001:db8:fffd::1")!).udp(from: 1, to: 2).payload(count: 8),
                head.mpls(label: 104).ipv4(from: far, to: IPv4Address(192, 0, 2, 9)).udp(from: 1, to: 2),
                head.arp(.request(for: near, from: MACAddress(2, 0, 0, 0, 2, 2), far)),
            ]
        }
        return packets + [
            link().ipv4(from: far, to: near).gre(key: 8).ipv4(from: far, to: near),
            link().ipv4(from: IPv4Address(9, 9, 9, 9), to: near).gre().ipv4(from: far, to: near),
        ] + mirrored
    }

    /// ERSPAN of all types, with frames of all lengths.
    private static var mirrored: [PacketBuilder] {
        let (near, far) = (IPv4Address(10, 1, 0, 1), IPv4Address(10, 1, 0, 2))
        let (near6, far6) = (IPv6Address("2001:db8:9::1")!, IPv6Address("2001:db8:9::9")!)
        let over4 = link().ipv4(from: far, to: near)
        let over6 = link().ipv6(from: far6, to: near6)
        let frame = link().vlan(7).ipv4(from: far, to: near).udp(from: 1, to: 2)
        var packets: [PacketBuilder] = []
        for length in [0, 13, 14, 60, 590, 1300] {
            let frame = length == 60 ? frame.bytes : [UInt8](repeating: UInt8(length & 255), count: length)
            packets += [
                over4.gre(type: .erspan2).payload(frame),
                over4.gre(type: .erspan2, sequence: 4).payload([0x10, 0x64, 0xb4, 7, 0, 0, 0, 1] + frame),
                over6.gre(type: .erspan3, sequence: 5).payload([0x20, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0x80, 8] + frame),
                over6.gre(type: .erspan3, sequence: 6).payload(
                    [0x20, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0x80, 5, 0x14, 0, 0, 1, 0, 0, 0, 0] + frame),
            ]
        }
        return packets + [over4.gre(type: .erspan2, sequence: 4).payload([0x10, 0, 0, 8, 0, 0, 0, 1] + frame.bytes)]
    }
}
