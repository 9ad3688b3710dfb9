// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Answers ARP requests for stations whose addresses the bridge knows, so that they need not be flooded.
///
/// Summary: the request becomes the answer, in place, and goes back the way it came.
/// Expects: whole broadcast frames, tagged or not, `adjacency` the bridge port that they came by.
/// Emits: the answers, as `bridge-input` would send a frame to that port; whatever else it got to `bridge-flood`.
/// Spec: RFC 826; RFC 5227 section 2.1.1 (probes are answered as any request).
struct BridgeARP: Node {
    static let name = "bridge-arp"

    enum Next: UInt16, BridgeNext {
        case output, subinterface, bvi, flood

        var node: String { exit ?? BridgeFlood.name }
    }

    struct Trace: TraceRecord {
        var target: UInt32 = 0
        var station: UInt64 = 0

        init() {}

        var description: String {
            station == 0
                ? "\(IPv4Address(target)) is not known"
                : "\(IPv4Address(target)) is at \(MACAddress(littleEndian: station))"
        }
    }

    private let table: BridgeTable
    private let received: InterfaceCounterSlot

    init(_ seat: Seat, _ table: BridgeTable) {
        self.table = table
        received = seat.interfaceCounters
    }

    mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, NoReason> {
        let number = packet.header.adjacency
        let port = table[port: number]
        let frame = packet.bytes
        guard let known = table[domain: port.domain].arp?.pointee, let offset = BridgeARP.arpOffset(frame),
            let arp = ARPView(frame.dropping(first: offset)), arp.isIPv4OverEthernet, arp.operation == .request,
            // Who announces an address of its own is not asking.
            !arp.isGratuitous
        else { return .to(.flood) }
        trace.target = arp.targetIP.value
        guard let station = known[arp.targetIP], station != arp.senderMAC, let request = ARPPacket(arp)
        else { return .to(.flood) }
        trace.station = station.littleEndianValue
        request.senderMAC.emit(into: frame, at: 0)
        station.emit(into: frame, at: 6)
        request.reply(from: station).emit(into: frame.dropping(first: offset))
        return .to(table.send(packet, to: number, received))
    }

    /// Where the ARP packet of a frame begins, behind two tags at most; nil when it has none.
    private static func arpOffset(_ frame: Bytes) -> Int? {
        var offset = 12
        for _ in 0...2 {
            guard frame.count >= offset &+ 2 &+ ARPView.length else { return nil }
            let type = EtherType(rawValue: frame.network(at: offset))
            if type == .arp { return offset &+ 2 }
            guard type.isVLANTag else { return nil }
            offset &+= VLANView.length
        }
        return nil
    }
}
