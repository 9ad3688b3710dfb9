// SPDX-License-Identifier: Apache-2.0
import Wire

/// Where the headers of a frame are, and what capture lists ask of them: found once for each frame.
///
/// Nothing is read beyond the frame; a header that is not all there is none.
struct CaptureHeaders {
    /// What stands at one level of encapsulation: offsets from the frame's first byte, -1 for what is not there.
    struct Level {
        var l2 = -1
        var l3 = -1
        var l4 = -1
    }

    private(set) var outer = Level()
    /// Of the packet that the outer one carries: in IP, GRE, MPLS or VXLAN.
    private(set) var inner = Level()
    private(set) var etherType: UInt16 = 0
    /// The top label of an MPLS packet; beyond any label if there is none.
    private(set) var label = UInt32.max
    /// 4 or 6; 0 for packets that are neither.
    private(set) var version: UInt8 = 0
    private(set) var `protocol`: UInt8 = 0
    private(set) var source = IPv6Address(high: 0, low: 0)
    private(set) var destination = IPv6Address(high: 0, low: 0)
    /// Of packets that begin with a header of TCP, UDP or SCTP.
    private(set) var ports: (source: UInt16, destination: UInt16)?

    /// - Parameter frame: From its destination address on.
    init(_ frame: Bytes) {
        let (type, offset) = EtherType.behindTags(of: frame)
        etherType = type.rawValue
        outer.l2 = 0
        outer.l3 = offset
        switch type {
        case .ipv4, .ipv6:
            guard let packet = CaptureHeaders.packet(frame, at: offset) else { return }
            take(packet, frame)
            inner = CaptureHeaders.carried(by: packet, frame)
        case .mpls, .mplsUpstream: readLabels(frame, at: offset)
        default: break
        }
    }

    private mutating func take(_ packet: IPPacket, _ frame: Bytes) {
        version = packet.version
        `protocol` = packet.protocol.rawValue
        source = packet.source
        destination = packet.destination
        guard let l4 = packet.l4 else { return }
        outer.l4 = l4
        guard [.tcp, .udp, .sctp, .udpLite].contains(packet.protocol), l4 &+ 4 <= frame.count else { return }
        ports = (frame.network(at: l4), frame.network(at: l4 &+ 2))
    }

    /// Below a label stack, IP is recognised by its first nibble: nothing else says what is there.
    private mutating func readLabels(_ frame: Bytes, at start: Int) {
        var offset = start
        for depth in 0..<16 {
            guard let view = MPLSView(frame.dropping(first: offset)) else { return }
            if depth == 0 { label = view.entry.label.rawValue }
            offset &+= MPLSView.length
            guard view.entry.isBottom else { continue }
            guard let packet = CaptureHeaders.packet(frame, at: offset) else { return }
            inner.l3 = offset
            inner.l4 = packet.l4 ?? -1
            return
        }
    }

    // MARK: - IP

    private struct IPPacket {
        let version: UInt8
        let `protocol`: IPProtocol
        let source: IPv6Address
        let destination: IPv6Address
        /// Where the upper layer's header is; nil in later fragments.
        let l4: Int?
    }

    private static func packet(_ frame: Bytes, at offset: Int) -> IPPacket? {
        let bytes = frame.dropping(first: offset)
        if let view = IPv4View(bytes), view.version == 4 {
            guard view.headerLength >= IPv4View.minimumLength, view.headerLength <= bytes.count else { return nil }
            return IPPacket(
                version: 4, protocol: view.protocol, source: CaptureHeaders.wide(view.source),
                destination: CaptureHeaders.wide(view.destination),
                l4: view.isLaterFragment ? nil : offset &+ view.headerLength)
        }
        guard let view = IPv6View(bytes), view.version == 6 else { return nil }
        let upper = view.upperLayer
        let isThere = upper.problem == nil && !upper.isLaterFragment && upper.offset <= bytes.count
        return IPPacket(
            version: 6, protocol: upper.protocol, source: view.source, destination: view.destination,
            l4: isThere ? offset &+ upper.offset : nil)
    }

    /// An IPv4 address in the low half, so that both families compare alike.
    static func wide(_ address: IPv4Address) -> IPv6Address { IPv6Address(high: 0, low: UInt64(address.value)) }

    // MARK: - Encapsulation

    private static func carried(by packet: IPPacket, _ frame: Bytes) -> Level {
        guard let l4 = packet.l4 else { return Level() }
        switch packet.protocol {
        case .ipv4, .ipv6: return level(frame, at: l4)
        case .gre: return carriedByGRE(frame, at: l4)
        case .udp where l4 &+ 16 <= frame.count && frame.network(at: l4 &+ 2, as: UInt16.self) == vxlanPort:
            return ethernet(frame, at: l4 &+ 16)
        default: return Level()
        }
    }

    /// RFC 7348.
    private static let vxlanPort: UInt16 = 4789

    /// RFC 2784 and 2890: the checksum, the key and the sequence number take four bytes each.
    private static func carriedByGRE(_ frame: Bytes, at offset: Int) -> Level {
        guard offset &+ 4 <= frame.count else { return Level() }
        let flags: UInt16 = frame.network(at: offset)
        let type = EtherType(rawValue: frame.network(at: offset &+ 2))
        let behind = offset &+ 4 &+ 4 &* (flags & 0xb000).nonzeroBitCount
        switch type {
        case .ipv4, .ipv6: return level(frame, at: behind)
        case transparentEthernet: return ethernet(frame, at: behind)
        default: return Level()
        }
    }

    private static let transparentEthernet = EtherType(rawValue: 0x6558)

    private static func ethernet(_ frame: Bytes, at offset: Int) -> Level {
        let inside = frame.dropping(first: offset)
        guard inside.count >= EthernetView.length else { return Level() }
        let (type, l3) = EtherType.behindTags(of: inside)
        var found = Level()
        if type == .ipv4 || type == .ipv6 { found = level(frame, at: offset &+ l3) }
        found.l2 = offset
        found.l3 = offset &+ l3
        return found
    }

    private static func level(_ frame: Bytes, at offset: Int) -> Level {
        guard let packet = packet(frame, at: offset) else { return Level() }
        return Level(l2: -1, l3: offset, l4: packet.l4 ?? -1)
    }
}
