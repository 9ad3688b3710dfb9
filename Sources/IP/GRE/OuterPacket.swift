// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The outer IP header of a packet that came out of a tunnel: its ends, and where what it carries begins.
///
/// The packet has come through `ip4-local` or `ip6-local`: its headers are checked and it is no fragment.
@frozen
public struct OuterPacket: BitwiseCopyable {
    public let ends: TunnelEnds
    /// DSCP and ECN.
    public let trafficClass: UInt8
    /// Bytes of the IP header with its options or extension headers.
    public let headerLength: Int
    /// What stands behind that, to the packet's end.
    public let payload: Bytes

    /// - Parameter packet: From its IP header on; nil when the header is not all there.
    @inline(__always)
    public init?(_ packet: Bytes, table: UInt32) {
        guard packet.count >= IPv4View.minimumLength else { return nil }
        if packet.load(at: 0, as: UInt8.self) &>> 4 == 4 {
            guard let view = IPv4View(packet), view.headerLength <= packet.count else { return nil }
            ends = TunnelEnds(local: .v4(view.destination), remote: .v4(view.source), table: table)
            trafficClass = view.trafficClass
            headerLength = view.headerLength
            payload = view.payload
        } else {
            guard let view = IPv6View(packet) else { return nil }
            let upper = view.upperLayer
            guard upper.problem == nil, upper.protocol == .gre else { return nil }
            ends = TunnelEnds(local: .v6(view.destination), remote: .v6(view.source), table: table)
            trafficClass = view.trafficClass
            headerLength = upper.offset
            payload = upper.payload
        }
    }
}

/// Explicit congestion notification across a tunnel (RFC 6040, for GRE by RFC 9601): what the way through it has marked
/// reaches the receiver.
enum TunnelECN {
    /// The inner packet's field after the outer one's is taken into account (RFC 6040 section 4.2).
    /// - Returns: Nil when congestion was marked and the sender does not know of marks: the packet is to be dropped.
    @inline(__always)
    static func leaving(inner: UInt8, outer: UInt8) -> UInt8? {
        let (inner, outer) = (inner & 3, outer & 3)
        if outer == 3 { return inner == 0 ? nil : 3 }
        // ECT(1) outside of ECT(0): somebody meant it.
        return outer == 1 && inner == 2 ? 1 : inner
    }

    /// Writes the field into the IP packet at the start of `packet`; false when it is to be dropped. Bytes that are no IP
    /// header are left alone.
    @inline(__always)
    static func take(_ outer: UInt8, into packet: Bytes, _ type: EtherType) -> Bool {
        // Nothing to say, which is so nearly always.
        guard outer & 3 != 0 else { return true }
        return takeMark(outer, into: packet, type)
    }

    @inline(never)
    private static func takeMark(_ outer: UInt8, into packet: Bytes, _ type: EtherType) -> Bool {
        if type == .ipv4, let view = IPv4View(packet) {
            guard let field = leaving(inner: view.trafficClass, outer: outer) else { return false }
            let old: UInt16 = packet.network(at: 0)
            let new = old & ~3 | UInt16(field)
            guard new != old else { return true }
            packet.storeNetwork(new, at: 0)
            packet.storeNetwork(InternetChecksum.update(view.checksum, word: old, to: new), at: 10)
        } else if type == .ipv6, let view = IPv6View(packet) {
            guard let field = leaving(inner: view.trafficClass, outer: outer) else { return false }
            view.trafficClass = view.trafficClass & ~3 | field
        }
        return true
    }
}
