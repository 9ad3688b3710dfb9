// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The IPv4 or IPv6 header that a tunnel puts in front of packets, made once: what differs from packet to packet is filled
/// in when it is written.
@frozen
public struct OuterHeader: BitwiseCopyable, Sendable {
    /// The header in wire order, all that differs being zero; of an IPv4 one the first 20 bytes.
    @usableFromInline let words: (UInt64, UInt64, UInt64, UInt64, UInt64)
    /// Of an IPv4 header: the sum of what never differs.
    @usableFromInline let sum: InternetChecksum
    public let family: AddressFamily
    @usableFromInline let dontFragment: Bool

    /// - Parameters:
    ///   - destination: Of the same family.
    ///   - dontFragment: Whether an IPv4 packet has its DF bit; without, each has an identification of its own.
    public init(
        from source: IPAddress, to destination: IPAddress, protocol: IPProtocol = .gre, dontFragment: Bool = true
    ) {
        precondition(source.family == destination.family, "both ends of a tunnel are of one family")
        family = source.family
        self.dontFragment = dontFragment
        var bytes = [UInt8](repeating: 0, count: IPv6View.length)
        var sum = InternetChecksum()
        bytes.withBytes { window in
            switch (source, destination) {
            case (.v4(let source), .v4(let destination)):
                IPv4Header(
                    source: source, destination: destination, protocol: `protocol`, timeToLive: 0,
                    dontFragment: dontFragment
                ).emit(into: window)
                window.storeNetwork(0 as UInt32, at: 0)
                window.store(0x45 as UInt8, at: 0)
                window.storeNetwork(0 as UInt16, at: 10)
                sum.add(window.prefix(IPv4Header.length))
            case (.v6(let source), .v6(let destination)):
                IPv6Header(source: source, destination: destination, nextHeader: `protocol`, hopLimit: 0)
                    .emit(into: window)
            default: break
            }
        }
        words = bytes.withUnsafeBytes { raw in
            func word(_ place: Int) -> UInt64 { raw.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self) }
            return (word(0), word(1), word(2), word(3), word(4))
        }
        self.sum = sum
    }

    /// Bytes: 20 or 40.
    @inlinable
    public var length: Int { @inline(__always) get { family == .ipv4 ? IPv4Header.length : IPv6View.length } }

    /// What differs from packet to packet.
    @frozen
    public struct Values: BitwiseCopyable, Sendable {
        public var timeToLive: UInt8
        /// DSCP and ECN.
        public var trafficClass: UInt8
        /// A hash of the flow inside: its low 20 bits are an IPv6 packet's flow label (RFC 6438).
        public var flow: UInt32
        /// Of an IPv4 packet that may be fragmented.
        public var identification: UInt16

        @inlinable @inline(__always)
        public init(timeToLive: UInt8, trafficClass: UInt8, flow: UInt32 = 0, identification: UInt16 = 0) {
            self.timeToLive = timeToLive
            self.trafficClass = trafficClass
            self.flow = flow
            self.identification = identification
        }
    }

    /// Writes the header at the start of `packet`, which goes from there to the packet's end.
    @inlinable @inline(__always)
    public func write(_ values: Values, into packet: Bytes) {
        packet.store(words.0, at: 0)
        packet.store(words.1, at: 8)
        if family == .ipv4 {
            packet.store(UInt32(truncatingIfNeeded: words.2), at: 16)
            let length = UInt16(truncatingIfNeeded: packet.count)
            let identification = dontFragment ? 0 : values.identification
            packet.store(values.trafficClass, at: 1)
            packet.storeNetwork(length, at: 2)
            packet.storeNetwork(identification, at: 4)
            packet.store(values.timeToLive, at: 8)
            var sum = sum
            sum.add(number: UInt16(values.trafficClass))
            sum.add(number: length)
            sum.add(number: identification)
            sum.add(number: UInt16(values.timeToLive) &<< 8)
            packet.storeNetwork(sum.value, at: 10)
        } else {
            packet.store(words.2, at: 16)
            packet.store(words.3, at: 24)
            packet.store(words.4, at: 32)
            let first = 0x6000_0000 | UInt32(values.trafficClass) &<< 20 | values.flow & 0xF_FFFF
            packet.storeNetwork(first, at: 0)
            packet.storeNetwork(UInt16(truncatingIfNeeded: packet.count &- IPv6View.length), at: 4)
            packet.store(values.timeToLive, at: 7)
        }
    }
}

extension Packet {
    /// Makes this packet, at whose new outer header the current position is, one of the router's own to be routed by a
    /// table, whatever the packet inside has been through.
    /// - Parameters:
    ///   - flow: By which it chooses among several paths.
    @inlinable @inline(__always)
    public func becomeTunnelPacket(in table: UInt32, flow: UInt32) {
        header.flowHash = flow
        header.txInterface = table
        let kept = header.flags.rawValue & (BufferFlags.traced.rawValue | BufferFlags.mirrored.rawValue)
        header.flags = BufferFlags(rawValue: kept | BufferFlags.ofTunnel.rawValue)
    }

    /// Makes what came out of a tunnel a packet that came in by `interface`, at the current position.
    @inlinable @inline(__always)
    public func leaveTunnel(to interface: InterfaceIndex) {
        header.rxInterface = interface
        let kept = header.flags.rawValue & (BufferFlags.traced.rawValue | BufferFlags.mirrored.rawValue)
        header.flags = BufferFlags(rawValue: kept)
    }
}

extension BufferFlags {
    @usableFromInline static var ofTunnel: BufferFlags { [.locallyOriginated, .hasTable, .hasInnerFlow] }
}
