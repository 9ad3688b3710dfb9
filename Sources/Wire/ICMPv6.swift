// SPDX-License-Identifier: Apache-2.0

/// A view of an ICMPv6 message (RFC 4443). The messages of neighbor discovery have `NDView` besides.
@frozen
public struct ICMPv6View: BitwiseCopyable {
    /// Bytes in front of the data, or of the quoted packet.
    @inlinable public static var length: Int { 8 }

    /// The whole message: to the end of the IP packet, without link padding.
    public let bytes: Bytes

    /// Nil when there are fewer than 8 bytes.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= ICMPv6View.length else { return nil }
        self.bytes = bytes
    }

    @inlinable @inline(__always)
    public var type: ICMPv6Type { ICMPv6Type(rawValue: bytes.load(at: 0)) }
    @inlinable public var code: UInt8 { bytes.load(at: 1) }
    @inlinable public var checksum: UInt16 { bytes.network(at: 2) }
    /// The second four bytes, whose meaning is the type's.
    @inlinable public var rest: UInt32 { bytes.network(at: 4) }
    /// Of an echo: whose it is.
    @inlinable public var identifier: UInt16 { bytes.network(at: 4) }
    /// Of an echo: the how-manieth.
    @inlinable public var sequence: UInt16 { bytes.network(at: 6) }
    /// Of "packet too big": the longest packet that the next link takes, bytes.
    @inlinable public var mtu: UInt32 { rest }
    /// Of "parameter problem": where in the quoted packet the trouble is, bytes; it may lie beyond the quote's end.
    @inlinable public var pointer: UInt32 { rest }
    /// The data of an echo; the packet that an error is about, from its IPv6 header on, most often cut short.
    @inlinable public var payload: Bytes { bytes.dropping(first: ICMPv6View.length) }

    /// Whether the checksum is right for a packet between these addresses.
    @inlinable
    public func isChecksumRight(source: IPv6Address, destination: IPv6Address) -> Bool {
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, protocol: .icmp6, length: bytes.count)
        sum.add(bytes)
        return sum.isRight
    }

    /// Writes the checksum anew, for a packet between these addresses.
    @inlinable
    public func computeChecksum(source: IPv6Address, destination: IPv6Address) {
        bytes.storeNetwork(0 as UInt16, at: 2)
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, protocol: .icmp6, length: bytes.count)
        sum.add(bytes)
        bytes.storeNetwork(sum.value, at: 2)
    }

    /// Makes the reply of an echo request in place: the type changes, the checksum follows (RFC 1624). It stays right when
    /// the packet's addresses change places; with another source, as when the request went to a group, it has to be
    /// computed anew.
    @inlinable
    public func turnIntoEchoReply() {
        let old: UInt16 = bytes.network(at: 0)
        let new = UInt16(ICMPv6Type.echoReply.rawValue) << 8 | old & 0xFF
        bytes.storeNetwork(new, at: 0)
        bytes.storeNetwork(InternetChecksum.update(checksum, word: old, to: new), at: 2)
    }
}

/// An ICMPv6 message's first eight bytes as a value (RFC 4443).
@frozen
public struct ICMPv6Message: Hashable, Sendable, BitwiseCopyable {
    public var type: ICMPv6Type
    public var code: UInt8
    /// The second four bytes, in host order.
    public var rest: UInt32

    @inlinable
    public init(type: ICMPv6Type, code: UInt8 = 0, rest: UInt32 = 0) {
        self.type = type
        self.code = code
        self.rest = rest
    }

    @inlinable
    public init(_ view: ICMPv6View) {
        self.init(type: view.type, code: view.code, rest: view.rest)
    }

    @inlinable
    public static func echoRequest(identifier: UInt16, sequence: UInt16) -> ICMPv6Message {
        ICMPv6Message(type: .echoRequest, rest: UInt32(identifier) << 16 | UInt32(sequence))
    }

    @inlinable
    public static func echoReply(identifier: UInt16, sequence: UInt16) -> ICMPv6Message {
        ICMPv6Message(type: .echoReply, rest: UInt32(identifier) << 16 | UInt32(sequence))
    }

    @inlinable
    public static func unreachable(_ reason: ICMPv6Unreachable) -> ICMPv6Message {
        ICMPv6Message(type: .destinationUnreachable, code: reason.rawValue)
    }

    /// `mtu` is what the next link takes, bytes.
    @inlinable
    public static func packetTooBig(mtu: UInt32) -> ICMPv6Message {
        ICMPv6Message(type: .packetTooBig, rest: mtu)
    }

    /// The hop limit ran out on the way.
    @inlinable
    public static var timeExceeded: ICMPv6Message { ICMPv6Message(type: .timeExceeded) }

    /// Some fragments did not come in time; the quote is of the first one.
    @inlinable
    public static var reassemblyTimeExceeded: ICMPv6Message { ICMPv6Message(type: .timeExceeded, code: 1) }

    /// `pointer` is the offset in the quoted packet of the byte where the trouble begins.
    @inlinable
    public static func parameterProblem(_ problem: ICMPv6Parameter, pointer: UInt32) -> ICMPv6Message {
        ICMPv6Message(type: .parameterProblem, code: problem.rawValue, rest: pointer)
    }

    /// Writes the eight bytes in front of the data, which stands behind them already, with a checksum over all of
    /// `bytes` for a packet between these addresses; the window must have the eight bytes.
    @inlinable
    public func emit(into bytes: Bytes, source: IPv6Address, destination: IPv6Address) {
        bytes.store(type.rawValue, at: 0)
        bytes.store(code, at: 1)
        bytes.storeNetwork(rest, at: 4)
        ICMPv6View(bytes)?.computeChecksum(source: source, destination: destination)
    }
}
