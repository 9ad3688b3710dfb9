// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// A worker's own answers to who asks for the router's addresses.
///
/// Neighbours ask again and again whether the router is still there, and take an answer that is some seconds late for a dead
/// router: so it must not wait for a control side that stands still while packets are forwarded.
struct NeighborAnswer: BitwiseCopyable {
    let tables: TableReaders
    let adjacencies: AdjacencyTable

    /// Whether the routes say that the address is a neighbour's on the link by which the packet came. Of others the control
    /// side judges.
    func isNeighbor(_ address: IPAddress, _ packet: Packet) -> Bool {
        let interface = packet.header.rxInterface
        switch address {
        case .v4(let host): return adjacencies.leads(tables.route(to: host, for: packet), to: address, on: interface)
        case .v6(let host):
            return host.isLinkLocal
                || adjacencies.leads(tables.route(to: host, for: packet), to: address, on: interface)
        }
    }

    /// The hardware address of an interface.
    func station(of interface: InterfaceIndex) -> MACAddress {
        MACAddress(littleEndian: tables.interfaces[interface].mac)
    }

    /// A frame for `interface-output`, from the interface to a station there; nil when there is no buffer for it.
    /// - Parameter length: Bytes behind the Ethernet header, which are to be written.
    func frame(
        _ type: EtherType, to station: MACAddress, on interface: InterfaceIndex, length: Int, _ context: Context
    ) -> Packet? {
        guard let packet = context.allocate() else { return nil }
        let end = EthernetView.length + length
        packet.truncate(to: max(end, EthernetView.minimumFrameLength))
        (packet.bytes.start + end).initializeMemory(as: UInt8.self, repeating: 0, count: packet.length - end)
        EthernetHeader(destination: station, source: self.station(of: interface), type: type).emit(into: packet.bytes)
        packet.header.txInterface = interface
        packet.header.flags.insert(.locallyOriginated)
        return packet
    }
}
