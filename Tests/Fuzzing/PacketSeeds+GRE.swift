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
            link().ipv4(from: far, to: near).gre(type: EtherType(rawValue: 0x88be), sequence: 1).payload(count: 60),
        ]
    }
}
