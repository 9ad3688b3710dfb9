// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The end of forwarding that all rewrite nodes share: a neighbour's Ethernet header in front of the packet, counted.
struct EthernetRewriter: BitwiseCopyable, Sendable {
    let adjacencies: AdjacencyTable
    let paths: PathTable
    let counters: TrafficCounters.Slot

    /// Whether nothing about the packet or its neighbour needs a closer look before `putHeader`, the payload's time to live
    /// apart: so it is with nearly all packets, and the tests that tell the others apart cost them nothing.
    @inline(__always)
    func isPlain(_ packet: Packet) -> Bool {
        let adjacency = adjacencies[packet.header.adjacency]
        return adjacency.status.isReady && packet.header.length <= adjacency.mtu
            && packet.header.flags.rawValue & EthernetRewriter.odd == 0
    }

    private static var odd: UInt16 {
        BufferFlags.locallyOriginated.rawValue | BufferFlags.notToThisStation.rawValue | BufferFlags.hasTable.rawValue
    }

    /// Completes the frame, with its transmit interface set.
    /// - Returns: Whether it leaves by the link that it came by.
    @inline(__always)
    func putHeader(_ packet: Packet, _ type: EtherType) -> Bool {
        let adjacency = adjacencies[packet.header.adjacency]
        let frame = packet.rewind(EthernetView.length)
        frame.store(adjacency.rewrite.0, at: 0)
        frame.store(UInt32(truncatingIfNeeded: adjacency.rewrite.1), at: 8)
        frame.store(type.rawValue.bigEndian, at: 12)
        packet.header.txInterface = adjacency.txInterface
        counters.add(packet.header.adjacency, bytes: frame.count)
        return adjacency.txInterface == packet.header.rxInterface
    }

    /// What becomes of a packet whose neighbour cannot be used; it may have another adjacency then.
    func chooseBackup(_ packet: Packet) -> Backup.Choice { Backup.choose(packet, adjacencies, paths) }
}
