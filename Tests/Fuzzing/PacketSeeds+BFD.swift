// SPDX-License-Identifier: Apache-2.0
import Wire

// BFD packets, right but for digests, which nobody can guess, and discriminators, for which see `FuzzFeed.answer`.
extension PacketSeeds {
    static var bfd: [PacketBuilder] {
        let router = IPv4Address(10, 0, 0, 1)
        func datagram(_ last: UInt8, _ port: UInt16, _ payload: [UInt8], ttl: UInt8 = 255) -> PacketBuilder {
            link().ipv4(from: IPv4Address(10, 0, 0, last), to: router, timeToLive: ttl).udp(from: 49_152, to: port)
                .payload(payload)
        }
        func control(_ state: BFDState, _ flags: BFDFlags = [], more: [UInt8] = []) -> [UInt8] {
            // A peer so slow, and in want of so little, that the router sends nothing that was not asked for.
            let packet = BFDPacket(
                state: state, flags: flags, myDiscriminator: 77, desiredMinTx: 60_000_000, requiredMinRx: 0)
            var bytes = [UInt8](repeating: 0, count: 24 + more.count)
            bytes.withBytes { packet.emit(into: $0) }
            bytes.replaceSubrange(24..., with: more)
            return bytes
        }
        func datagram6(_ source: IPv6Address, _ to: IPv6Address, _ payload: [UInt8], limit: UInt8 = 255)
            -> PacketBuilder
        {
            link().ipv6(from: source, to: to, hopLimit: limit).udp(from: 49_152, to: BFDPort.control).payload(payload)
        }
        let section: [UInt8] = [5, 28, 7, 0, 0, 0, 0, 1] + [UInt8](repeating: 9, count: 20)
        return BFDState.allCases.flatMap {
            [
                datagram(2, BFDPort.control, control($0)), datagram6(source6, router6, control($0)),
                datagram6(linkLocal6, ownLinkLocal6, control($0)),
            ]
        } + [
            datagram6(source6, router6, control(.down), limit: 254), datagram6(linkLocal6, router6, control(.down)),
            datagram(2, BFDPort.control, control(.down, .poll)), datagram(2, BFDPort.control, control(.down, .demand)),
            datagram(2, BFDPort.control, control(.down), ttl: 254), datagram(9, BFDPort.control, control(.down)),
            datagram(3, BFDPort.control, control(.down, .authenticated, more: section)),
            datagram(3, BFDPort.control, control(.down)), datagram(2, BFDPort.multihop, control(.down)),
            datagram(2, BFDPort.echo, [UInt8](repeating: 7, count: 24)),
            link().ipv4(from: router, to: router, timeToLive: 254).udp(from: 49_152, to: BFDPort.echo).payload(
                count: 24),
            link().ipv4(from: IPv4Address(192, 0, 2, 9), to: router, timeToLive: 64)
                .udp(from: 49_152, to: BFDPort.multihop).payload(control(.down)),
        ]
    }
}
