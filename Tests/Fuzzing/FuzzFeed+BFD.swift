// SPDX-License-Identifier: Apache-2.0
import Wire

// Without the router's discriminators no BFD session would ever come up.
extension FuzzFeed {
    /// Notes the discriminator in a BFD packet that the router sent.
    func learn(_ frame: Bytes) {
        guard let (view, _, peer) = FuzzFeed.bfd(frame) else { return }
        discriminators[peer] = view.myDiscriminator
    }

    /// Writes the router's discriminator into BFD packets that have none, once the router has told it: sessions come up,
    /// and hostile packets take them down.
    func answer(_ frame: UnsafeMutableRawPointer, _ count: Int) {
        let bytes = Bytes(start: frame, count: count)
        guard let (view, peer, _) = FuzzFeed.bfd(bytes), view.yourDiscriminator == 0, view.state != .down,
            let discriminator = discriminators[peer]
        else { return }
        view.bytes.storeNetwork(discriminator, at: 8)
        // The datagram's checksum stands two bytes in front of it.
        (view.bytes.start - 2).storeBytes(of: 0, as: UInt16.self)
        if PacketMutator.isIPv6(frame, count) { PacketMutator.mend6(frame, count) }
    }

    /// A BFD control packet behind plain headers, and the ends of its source's and its destination's address.
    private static func bfd(_ frame: Bytes) -> (view: BFDView, source: UInt32, destination: UInt32)? {
        guard let ethernet = EthernetView(frame) else { return nil }
        let payload: Bytes
        let addresses: (UInt32, UInt32)
        if ethernet.type == .ipv4, let header = IPv4View(ethernet.payload), header.protocol == .udp,
            header.headerLength == IPv4View.minimumLength
        {
            payload = header.payload
            addresses = (header.source.value, header.destination.value)
        } else if ethernet.type == .ipv6, let header = IPv6View(ethernet.payload), header.nextHeader == .udp {
            payload = header.payload
            addresses = (
                UInt32(truncatingIfNeeded: header.source.low &+ header.source.high),
                UInt32(truncatingIfNeeded: header.destination.low &+ header.destination.high)
            )
        } else {
            return nil
        }
        guard let datagram = UDPView(payload), let view = BFDView(datagram.payload) else { return nil }
        guard datagram.destinationPort == BFDPort.control || datagram.destinationPort == BFDPort.multihop else {
            return nil
        }
        return (view, addresses.0, addresses.1)
    }
}
