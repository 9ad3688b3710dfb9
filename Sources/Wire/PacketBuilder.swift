// SPDX-License-Identifier: Apache-2.0

/// Stacks headers into a packet, for tests, the generator and golden cases:
///
///     PacketBuilder().ethernet(from: a, to: b).vlan(7).ipv4(from: c, to: d).udp(from: 4000, to: 53).payload(count: 20)
///
/// Types, protocols, lengths and checksums follow from what stands behind a header, so that the result is a right packet.
/// Wrong ones are made from right ones: `overwrite` and `cut` come last, after all checksums.
public struct PacketBuilder: Hashable, Sendable {
    enum Layer: Hashable {
        case ethernet(EthernetHeader, EtherType?)
        case vlan(VLANTag, EtherType, EtherType?)
        case arp(ARPPacket)
        case ipv4(IPv4Header, IPProtocol?, options: [UInt8])
        case ipv6(IPv6Header, IPProtocol?)
        /// A whole header but for its first two bytes.
        case extensionHeader(IPProtocol, [UInt8], next: IPProtocol?)
        case fragment(IPv6Fragment, next: IPProtocol?)
        case mpls(MPLSEntry, isBottom: Bool?)
        case gre(GREHeader, EtherType?)
        case udp(UDPHeader)
        case tcp(TCPHeader)
        case icmp(ICMPv4Message)
        case icmp6(ICMPv6Message)
        case payload([UInt8])
    }

    struct Overwrite: Hashable {
        let offset: Int
        let bytes: [UInt8]
    }

    var layers: [Layer] = []
    private var overwrites: [Overwrite] = []
    private var cutLength = Int.max
    private var minimumLength = 0

    /// A packet without any bytes.
    public init() {}

    // MARK: - Headers, outer to inner

    /// `type` is that of what follows; given, it stands even when it is wrong.
    public func ethernet(from source: MACAddress, to destination: MACAddress, type: EtherType? = nil) -> Self {
        adding(.ethernet(EthernetHeader(destination: destination, source: source, type: .experimental), type))
    }

    /// A tag; `kind` is the type in front of it, `type` that of what follows.
    public func vlan(_ tag: VLANTag, kind: EtherType = .vlan, type: EtherType? = nil) -> Self {
        adding(.vlan(tag, kind, type))
    }

    /// A tag of priority 0.
    public func vlan(_ identifier: UInt16, kind: EtherType = .vlan) -> Self {
        vlan(VLANTag(identifier: identifier), kind: kind)
    }

    public func arp(_ packet: ARPPacket) -> Self { adding(.arp(packet)) }

    public func udp(from source: UInt16, to destination: UInt16) -> Self {
        adding(.udp(UDPHeader(sourcePort: source, destinationPort: destination)))
    }

    public func tcp(
        from source: UInt16, to destination: UInt16, flags: TCPFlags, sequenceNumber: UInt32 = 0,
        acknowledgement: UInt32 = 0, window: UInt16 = 65535
    ) -> Self {
        adding(
            .tcp(
                TCPHeader(
                    sourcePort: source, destinationPort: destination, flags: flags, sequenceNumber: sequenceNumber,
                    acknowledgement: acknowledgement, window: window)))
    }

    /// What an error quotes may be stacked behind it.
    public func icmp(_ message: ICMPv4Message) -> Self { adding(.icmp(message)) }

    /// What an error quotes may be stacked behind it.
    public func icmp6(_ message: ICMPv6Message) -> Self { adding(.icmp6(message)) }

    public func payload(_ bytes: [UInt8]) -> Self { adding(.payload(bytes)) }

    /// `count` bytes that tell their position: 00 01 02 and so on.
    public func payload(count: Int) -> Self { payload((0..<count).map { UInt8(truncatingIfNeeded: $0) }) }

    // MARK: - The finished packet

    /// Pads with zeros to `length` bytes, 60 being the shortest frame on a wire.
    public func padded(to length: Int = EthernetView.minimumFrameLength) -> Self {
        changed { $0.minimumLength = length }
    }

    /// Puts `bytes` at `offset` of the finished packet; what reaches beyond its end is left out.
    public func overwrite(at offset: Int, _ bytes: UInt8...) -> Self {
        changed { $0.overwrites.append(Overwrite(offset: offset, bytes: bytes)) }
    }

    /// Leaves only the first `length` bytes.
    public func cut(to length: Int) -> Self { changed { $0.cutLength = length } }

    /// The packet's bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for position in layers.indices.reversed() { prepend(position, to: &bytes) }
        if bytes.count < minimumLength { bytes += [UInt8](repeating: 0, count: minimumLength - bytes.count) }
        for change in overwrites {
            for (offset, byte) in zip(change.offset..., change.bytes) where bytes.indices.contains(offset) {
                bytes[offset] = byte
            }
        }
        return Array(bytes.prefix(cutLength))
    }

    /// Lends a window on a fresh copy of the packet. It must not be kept beyond `body`.
    public func withFrame<Result, Failure: Error>(
        _ body: (Bytes) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var bytes = bytes
        return try bytes.withBytes(body)
    }

    func adding(_ layer: Layer) -> Self { changed { $0.layers.append(layer) } }

    private func changed(_ change: (inout Self) -> Void) -> Self {
        var copy = self
        change(&copy)
        return copy
    }
}

extension EtherType {
    /// IEEE's local experimental number 1, for payloads without a type of their own.
    static let experimental = EtherType(rawValue: 0x88B5)
}

extension IPProtocol {
    /// For experiments (RFC 3692), for payloads without a protocol of their own.
    static let experimental = IPProtocol(rawValue: 253)
}
