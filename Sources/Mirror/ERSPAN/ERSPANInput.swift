// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Wire

/// Takes mirrored frames out of ERSPAN and sends them by the interface where they are wanted.
///
/// Summary: checks the headers, finds the session by the outer addresses, the table and the session's number, counts what was
/// lost or came late, and sends the frame as it was, its VLAN tag put back where it had been taken out.
/// Expects: a whole IPv4 or IPv6 packet to the router at its IP header, GRE with the protocol of ERSPAN.
/// Emits: complete frames with their transmit interface set. They are mirrored no further.
/// Drops: each failed check by name. Late frames are delivered all the same.
/// Spec: draft-foschiano-erspan-03; RFC 2784 section 2.3; RFC 2890 section 2.2.
/// Config: `interfaces.NAME.decapsulate-to`
public struct ERSPANInput: Node {
    public static let name = "erspan-input"

    public enum Next: UInt16, NextNode {
        case output

        public var node: String { InterfaceOutput.name }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, unknownFields, badVersion, sequenceMissing, notEthernet, tooShort, unknownTunnel, unknownSession
        case notTerminated, interfaceDown, tooLong

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than its headers"
            case .unknownFields: "a GRE checksum, key or other field that ERSPAN does not have"
            case .badVersion: "the version is not that of the GRE protocol: 1 for 0x88BE, 2 for 0x22EB"
            case .sequenceMissing: "type III without a sequence number"
            case .notEthernet: "what was mirrored is no Ethernet frame"
            case .tooShort: "the mirrored frame is shorter than an Ethernet header"
            case .unknownTunnel: "no ERSPAN session has these ends"
            case .unknownSession: "there is a session between these ends, but with another number or type"
            case .notTerminated: "the session does not say where frames that come in go"
            case .interfaceDown: "the ERSPAN interface is administratively down"
            case .tooLong: "the mirrored frame is longer than the interface takes where it is to go"
            }
        }
    }

    public struct Trace: TraceRecord {
        var interface: InterfaceIndex = 0
        var exit: InterfaceIndex = 0
        var sequence: UInt32 = 0
        var type: UInt16 = 0
        var session: UInt16 = 0

        public init() {}

        public var description: String {
            "0x\(String(type, radix: 16)), session \(session), sequence \(sequence), interface \(interface) to \(exit)"
        }
    }

    private let tables: TableReaders
    private let tunnels: TunnelTable<ERSPANRecord>
    private let endpoints: EndpointTable
    private let interfaces: InterfaceTable
    private let counters: InterfaceCounterSlot
    private let counts: ERSPANCounters.Seat

    init(
        _ seat: Seat, tables: TableReaders, tunnels: TunnelTable<ERSPANRecord>, endpoints: EndpointTable,
        counts: ERSPANCounters.Seat
    ) {
        self.tables = tables
        self.tunnels = tunnels
        self.endpoints = endpoints
        self.counts = counts
        interfaces = seat.interfaces
        counters = seat.interfaceCounters
    }

    /// What the headers in front of a frame say.
    private struct Content {
        var frame: Bytes
        /// Of types II and III.
        var header: ERSPANView?
        var sequence: UInt32?

        var selector: TunnelSelector { .erspan(session: header?.session) }
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        guard let outer = OuterPacket(packet.bytes, table: tables.number(for: packet)),
            let gre = GREView(outer.payload)
        else { return .drop(.truncated) }
        trace.type = gre.type.rawValue
        trace.sequence = gre.sequence ?? 0
        // Version, strict source route and recursion are of no other value either: `gre-input` has seen to that.
        guard gre.flags.isDisjoint(with: [.checksum, .key]) else { return .drop(.unknownFields) }
        var content = Content(frame: gre.payload, header: nil, sequence: gre.sequence)
        if gre.sequence != nil || gre.type == .erspan3 {
            guard gre.sequence != nil else { return .drop(.sequenceMissing) }
            guard let header = ERSPANView(gre.payload) else { return .drop(.truncated) }
            guard header.version == (gre.type == .erspan3 ? 2 : 1) else { return .drop(.badVersion) }
            if header.version == 2, header.frameType != 0 { return .drop(.notEthernet) }
            content.header = header
            content.frame = header.payload
            trace.session = header.session
        }
        guard content.frame.count >= EthernetView.length else { return .drop(.tooShort) }
        let number = endpoints.number(outer.ends, content.selector)
        guard number != 0 else { return .drop(endpoints.knows(outer.ends) ? .unknownSession : .unknownTunnel) }
        return deliver(content, number, packet, &trace)
    }

    private mutating func deliver(
        _ content: Content, _ number: UInt32, _ packet: Packet, _ trace: inout Trace
    ) -> Verdict<Next, Reason> {
        let tunnel = tunnels[number]
        trace.interface = tunnel.interface
        trace.exit = tunnel.exit
        guard interfaces[tunnel.interface].flags.contains(.adminUp) else { return .drop(.interfaceDown) }
        packet.advance(packet.length &- content.frame.count)
        packet.leaveTunnel(to: tunnel.interface)
        counters.countReceived(bytes: packet.length, interface: tunnel.interface)
        count(content, number)
        guard tunnel.exit != 0 else { return .drop(.notTerminated) }
        if let header = content.header, header.version == 1, header.encapsulation == .tagRemoved {
            ERSPANInput.putTag(VLANTag(identifier: header.vlan, priority: header.priority), into: packet)
        }
        let longest = Int(interfaces[tunnel.exit].mtu) &+ EthernetView.length &+ 2 &* VLANView.length
        guard tunnel.options.contains(.exitCuts) || packet.length <= longest else { return .drop(.tooLong) }
        let isOut = content.header.map { $0.version == 2 && $0.isEgress } ?? false
        packet.copyNote = CopyNote(
            session: 0, source: tunnel.interface, direction: isOut ? .tx : .rx, originalLength: packet.length,
            isTruncated: content.header?.isTruncated ?? false, clock: Clock.now)
        packet.header.flags.insert(.mirrored)
        packet.header.txInterface = tunnel.exit
        return .to(.output)
    }

    @inline(__always)
    private func count(_ content: Content, _ number: UInt32) {
        let counts = counts[number]
        counts.pointee.frames &+= 1
        if content.header?.isTruncated ?? false { counts.pointee.truncated &+= 1 }
        guard let sequence = content.sequence else { return }
        switch tunnels.window(number).judge(sequence, at: Clock.now) {
        case .inOrder(let missing): counts.pointee.lost &+= UInt64(missing)
        case .late: counts.pointee.late &+= 1
        case .restarted: counts.pointee.restarts &+= 1
        }
    }

    /// Puts a tag between a frame's addresses and its type, in room that the headers have left.
    static func putTag(_ tag: VLANTag, into packet: Packet) {
        let old = packet.bytes
        let addresses = (old.load(at: 0, as: UInt64.self), old.load(at: 8, as: UInt32.self))
        let frame = packet.rewind(VLANView.length)
        frame.store(addresses.0, at: 0)
        frame.store(addresses.1, at: 8)
        frame.storeNetwork(EtherType.vlan.rawValue, at: 12)
        frame.storeNetwork(tag.rawValue, at: 14)
    }
}
