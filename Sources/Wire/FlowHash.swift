// SPDX-License-Identifier: Apache-2.0

/// Hashes of a packet's flow: the same for all packets of it, and as good as random between flows in every one of their
/// bits.
///
/// `ipv4`, `ipv6` and `mpls` spread flows over paths. They take the addresses, the protocol and the ports; of fragments,
/// the first included, all but the ports, so that a datagram stays on one path. What tells flows apart within one 5-tuple
/// is taken too where it is at hand: the tunnel of GTP-U, the key of GRE, IPv6's flow label. Routers with different seeds
/// split the same flows differently, as do two stages of one router.
///
/// The `symmetric` ones are the same in both directions, for which reason they know addresses, protocol and ports alone.
///
/// Nothing is read beyond the packet's end and nothing allocated. The values are the same on all machines, but may change
/// from one version to the next.
public enum FlowHash {
    /// The hash of the flow of an IPv4 packet, from its header on; not all of it may be there.
    @inlinable @inline(__always)
    public static func ipv4(_ packet: Bytes, seed: UInt32) -> UInt32 {
        guard let header = IPv4View(packet) else { return 0 }
        let addresses: UInt64 = packet.network(at: 12)
        let kind = header.protocol
        var flow: UInt64 = 0
        if kind.hasPorts, !header.isFragment {
            flow = ports(packet, at: header.headerLength)
            if kind == .udp, isTunnel(flow) { flow |= UInt64(tunnel(packet, at: header.headerLength)) }
        } else if kind == .gre, !header.isFragment {
            flow = UInt64(key(packet, at: header.headerLength))
        }
        return finish(addresses, flow, kind, seed)
    }

    /// The hash of the flow of an IPv6 packet, from its header on; not all of it may be there. Ports count also behind
    /// extension headers, so that a flow with options stays with itself; where there are none, of fragments and where the walk
    /// over the headers has no end, the flow label does (RFC 6438).
    @inlinable @inline(__always)
    public static func ipv6(_ packet: Bytes, seed: UInt32) -> UInt32 {
        guard let header = IPv6View(packet) else { return 0 }
        let kind = header.nextHeader
        guard kind.hasPorts else { return portless(packet, header, seed) }
        return ipv6(packet, header, kind, at: IPv6View.length, seed)
    }

    /// Where no ports follow the IPv6 header directly.
    @usableFromInline @inline(never)
    static func portless(_ packet: Bytes, _ header: IPv6View, _ seed: UInt32) -> UInt32 {
        let upper = upper(header)
        return ipv6(packet, header, upper.kind, at: upper.offset, seed)
    }

    /// - Parameters:
    ///   - kind: What begins at `offset`.
    @inlinable @inline(__always)
    static func ipv6(
        _ packet: Bytes, _ header: IPv6View, _ kind: IPProtocol, at offset: Int, _ seed: UInt32
    ) -> UInt32 {
        let addresses = address(packet, at: 8) &* 3 ^ address(packet, at: 24)
        var flow = UInt64(header.flowLabel)
        if kind.hasPorts {
            flow = ports(packet, at: offset)
            if kind == .udp, isTunnel(flow) { flow |= UInt64(tunnel(packet, at: offset)) }
        } else if kind == .gre {
            flow |= UInt64(key(packet, at: offset)) << 32
        }
        return finish(addresses, flow, kind, seed)
    }

    /// What stands behind the extension headers, and where. Of a datagram in fragments the first extension header: what all of
    /// them have.
    @usableFromInline @inline(never)
    static func upper(_ header: IPv6View) -> (kind: IPProtocol, offset: Int) {
        let layer = header.upperLayer
        guard layer.problem == nil, layer.fragment?.isAtomic ?? true else {
            return (header.nextHeader, IPv6View.length)
        }
        return (layer.protocol, layer.offset)
    }

    /// The hash of the flow of a labelled packet, from its uppermost label on: an entropy label decides alone (RFC 6790);
    /// else the IP packet behind the stack; else the labels, but for reserved ones.
    @inlinable @inline(__always)
    public static func mpls(_ packet: Bytes, seed: UInt32) -> UInt32 {
        let stack = LabelStack(packet)
        if let label = stack.entropy { return finish(UInt64(label), 0, .mplsInIP, seed) }
        return switch stack.version {
        case 4: ipv4(stack.payload, seed: seed)
        case 6: ipv6(stack.payload, seed: seed)
        default: finish(stack.labels, 0, .mplsInIP, seed)
        }
    }

    /// The hash by which a tunnel's packets choose among paths: that of the flow inside, made another for each seed.
    @inlinable @inline(__always)
    public static func inner(_ hash: UInt32, seed: UInt32) -> UInt32 { finish(UInt64(hash), 0, .gre, seed) }

    // MARK: - Both directions alike

    /// The same for a flow's packets and their answers; nil without a whole header.
    @inlinable @inline(__always)
    public static func symmetricIPv4(_ packet: Bytes) -> UInt32? {
        guard let header = IPv4View(packet) else { return nil }
        let hasPorts = header.protocol.hasPorts && !header.isFragment
        let ports = hasPorts ? ports(packet, at: header.headerLength) : 0
        return symmetric(UInt64(header.source.value), UInt64(header.destination.value), ports, header.protocol)
    }

    /// The same for a flow's packets and their answers; nil without a whole header.
    @inlinable @inline(__always)
    public static func symmetricIPv6(_ packet: Bytes) -> UInt32? {
        guard let header = IPv6View(packet) else { return nil }
        var (kind, offset) = (header.nextHeader, IPv6View.length)
        if !kind.hasPorts { (kind, offset) = upper(header) }
        let ports = kind.hasPorts ? ports(packet, at: offset) : 0
        return symmetric(address(packet, at: 8), address(packet, at: 24), ports, kind)
    }

    /// The same for a flow's packets and their answers: that of the IP packet behind the stack, since labels differ
    /// between directions; nil without one.
    @inlinable @inline(__always)
    public static func symmetricMPLS(_ packet: Bytes) -> UInt32? {
        let stack = LabelStack(packet)
        return switch stack.version {
        case 4: symmetricIPv4(stack.payload)
        case 6: symmetricIPv6(stack.payload)
        default: nil
        }
    }

    @inlinable @inline(__always)
    static func symmetric(_ source: UInt64, _ destination: UInt64, _ ports: UInt64, _ kind: IPProtocol) -> UInt32 {
        // A sum does not know which end comes first.
        let here = mix(source ^ keys.0, ports >> 48 ^ keys.1)
        let there = mix(destination ^ keys.0, ports >> 32 & 0xFFFF ^ keys.1)
        return finish(here &+ there, 0, kind, 0)
    }
}

// MARK: - What tells flows apart

extension FlowHash {
    /// Source and destination port in the upper half; 0 when they are not there.
    @inlinable @inline(__always)
    static func ports(_ packet: Bytes, at offset: Int) -> UInt64 {
        guard offset &+ 4 <= packet.count else { return 0 }
        return UInt64(packet.network(at: offset, as: UInt32.self)) << 32
    }

    /// One of them is the port of GTP-U.
    @inlinable @inline(__always)
    static func isTunnel(_ ports: UInt64) -> Bool {
        ports >> 48 == 2152 || UInt16(truncatingIfNeeded: ports >> 32) == 2152
    }

    /// The tunnel endpoint of a GTP-U packet behind a UDP header (3GPP TS 29.281 section 5.1); 0 without one.
    @usableFromInline @inline(never)
    static func tunnel(_ packet: Bytes, at offset: Int) -> UInt32 {
        guard offset &+ UDPView.length &+ 8 <= packet.count else { return 0 }
        // Version 1, GTP and not GTP'.
        guard packet.load(at: offset &+ 8, as: UInt8.self) & 0xF0 == 0x30 else { return 0 }
        return packet.network(at: offset &+ 12)
    }

    /// The key of a GRE header (RFC 2890); 0 without one.
    @usableFromInline @inline(never)
    static func key(_ packet: Bytes, at offset: Int) -> UInt32 {
        guard offset &+ 8 <= packet.count else { return 0 }
        let flags: UInt16 = packet.network(at: offset)
        // Version 0 with a key; a checksum stands in front of it.
        guard flags & 0x2007 == 0x2000 else { return 0 }
        let place = offset &+ (flags & 0x8000 == 0 ? 4 : 8)
        return place &+ 4 <= packet.count ? packet.network(at: place) : 0
    }

    @inlinable @inline(__always)
    static func address(_ packet: Bytes, at offset: Int) -> UInt64 {
        mix(packet.network(at: offset) ^ keys.2, packet.network(at: offset &+ 8) ^ keys.3)
    }
}

// MARK: - Mixing

extension FlowHash {
    /// Numbers without a pattern, as many ones as zeros: those of wyhash.
    @inlinable
    static var keys: (UInt64, UInt64, UInt64, UInt64) {
        (0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3)
    }

    /// Both halves of the product, folded, as in wyhash.
    @inlinable @inline(__always)
    static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    @inlinable @inline(__always)
    static func finish(_ addresses: UInt64, _ flow: UInt64, _ kind: IPProtocol, _ seed: UInt32) -> UInt32 {
        let product = (addresses ^ keys.0 ^ UInt64(seed) &* keys.3).multipliedFullWidth(by: flow ^ keys.1)
        let both = UInt64(seed) << 32 | UInt64(kind.rawValue)
        return UInt32(truncatingIfNeeded: mix(product.low ^ keys.2 ^ both, product.high ^ keys.3))
    }
}

/// What a label stack says about a packet's flow.
@usableFromInline
struct LabelStack {
    /// More labels than any path has; those below are not looked at.
    @usableFromInline static var limit: Int { 16 }

    /// The entropy label's value; nil without one.
    @usableFromInline var entropy: UInt32?
    /// All labels but the reserved ones, mixed.
    @usableFromInline var labels: UInt64 = 0
    /// What follows the bottom of the stack; empty when that was not found.
    @usableFromInline var payload: Bytes

    @inlinable @inline(__always)
    init(_ packet: Bytes) {
        payload = packet.prefix(0)
        var offset = 0
        var last: MPLSLabel?
        while offset &+ MPLSView.length <= packet.count, offset < LabelStack.limit &* MPLSView.length {
            let entry = MPLSEntry(rawValue: packet.network(at: offset))
            offset &+= MPLSView.length
            if last == .entropyIndicator {
                entropy = entry.label.rawValue
                return
            }
            // Behind an extension label stands one with a meaning of its own (RFC 7274 section 3.1).
            if !entry.label.isReserved, last != .extension {
                labels = FlowHash.mix(labels ^ FlowHash.keys.0, UInt64(entry.label.rawValue) ^ FlowHash.keys.1)
            }
            if entry.isBottom {
                payload = packet.dropping(first: offset)
                return
            }
            last = last == .extension ? nil : entry.label
        }
    }

    /// What the packet behind the stack claims to be: 4 or 6 for IP; 0 when there is none.
    @inlinable @inline(__always)
    var version: UInt8 { payload.count > 0 ? payload.load(at: 0, as: UInt8.self) &>> 4 : 0 }
}

extension IPProtocol {
    /// The header begins with two port numbers.
    @inlinable @inline(__always)
    var hasPorts: Bool { self == .tcp || self == .udp || self == .sctp || self == .udpLite }
}
