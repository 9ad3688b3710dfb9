// SPDX-License-Identifier: Apache-2.0

/// A view of an ICMP message (RFC 792).
@frozen
public struct ICMPv4View: BitwiseCopyable {
    /// Bytes in front of the data, or of the quoted packet.
    @inlinable public static var length: Int { 8 }

    /// The whole message: to the end of the IP packet, without link padding.
    public let bytes: Bytes

    /// Nil when there are fewer than 8 bytes.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= ICMPv4View.length else { return nil }
        self.bytes = bytes
    }

    @inlinable public var type: ICMPv4Type { ICMPv4Type(rawValue: bytes.load(at: 0)) }
    @inlinable public var code: UInt8 { bytes.load(at: 1) }
    @inlinable public var checksum: UInt16 { bytes.network(at: 2) }
    /// The second four bytes, whose meaning is the type's.
    @inlinable public var rest: UInt32 { bytes.network(at: 4) }
    /// Of a query: whose it is.
    @inlinable public var identifier: UInt16 { bytes.network(at: 4) }
    /// Of a query: the how-manieth.
    @inlinable public var sequence: UInt16 { bytes.network(at: 6) }
    /// Of "fragmentation needed": the longest packet that the next link takes, bytes (RFC 1191 section 4).
    @inlinable public var nextHopMTU: UInt16 { bytes.network(at: 6) }
    /// Of a redirect: the better router.
    @inlinable public var gateway: IPv4Address { IPv4Address(rest) }
    /// The data of a query; the packet that an error is about, from its IP header on, most often cut short.
    @inlinable public var payload: Bytes { bytes.dropping(first: ICMPv4View.length) }

    @inlinable
    public var isChecksumRight: Bool {
        var sum = InternetChecksum()
        sum.add(bytes)
        return sum.isRight
    }

    /// Makes the reply of an echo request in place: the type changes, the checksum follows (RFC 1624).
    @inlinable
    public func turnIntoEchoReply() {
        let old: UInt16 = bytes.network(at: 0)
        let new = UInt16(ICMPv4Type.echoReply.rawValue) << 8 | old & 0xFF
        bytes.storeNetwork(new, at: 0)
        bytes.storeNetwork(InternetChecksum.update(checksum, word: old, to: new), at: 2)
        // A message that is all zeros now is the one whose sum is 0 and not 0xFFFF (RFC 1624 section 3).
        if checksum == 0, !isChecksumRight { bytes.storeNetwork(0xFFFF as UInt16, at: 2) }
    }
}

/// An ICMP message's first eight bytes as a value (RFC 792).
@frozen
public struct ICMPv4Message: Hashable, Sendable, BitwiseCopyable {
    public var type: ICMPv4Type
    public var code: UInt8
    /// The second four bytes, in host order.
    public var rest: UInt32

    @inlinable
    public init(type: ICMPv4Type, code: UInt8 = 0, rest: UInt32 = 0) {
        self.type = type
        self.code = code
        self.rest = rest
    }

    @inlinable
    public init(_ view: ICMPv4View) {
        self.init(type: view.type, code: view.code, rest: view.rest)
    }

    @inlinable
    public static func echoRequest(identifier: UInt16, sequence: UInt16) -> ICMPv4Message {
        ICMPv4Message(type: .echoRequest, rest: UInt32(identifier) << 16 | UInt32(sequence))
    }

    @inlinable
    public static func echoReply(identifier: UInt16, sequence: UInt16) -> ICMPv4Message {
        ICMPv4Message(type: .echoReply, rest: UInt32(identifier) << 16 | UInt32(sequence))
    }

    /// `nextHopMTU`, bytes, is for `.fragmentationNeeded` (RFC 1191 section 4).
    @inlinable
    public static func unreachable(_ reason: ICMPv4Unreachable, nextHopMTU: UInt16 = 0) -> ICMPv4Message {
        ICMPv4Message(type: .destinationUnreachable, code: reason.rawValue, rest: UInt32(nextHopMTU))
    }

    /// The time to live ran out on the way.
    @inlinable
    public static var timeExceeded: ICMPv4Message { ICMPv4Message(type: .timeExceeded) }

    /// Some fragments did not come in time; the quote is of the first one.
    @inlinable
    public static var reassemblyTimeExceeded: ICMPv4Message { ICMPv4Message(type: .timeExceeded, code: 1) }

    /// `gateway` is a better router for the quoted packet's destination (RFC 1812 section 5.2.7.2).
    @inlinable
    public static func redirect(_ scope: ICMPv4Redirect = .host, to gateway: IPv4Address) -> ICMPv4Message {
        ICMPv4Message(type: .redirect, code: scope.rawValue, rest: gateway.value)
    }

    /// `pointer` is the offset of the bad byte in the quoted packet.
    @inlinable
    public static func parameterProblem(pointer: UInt8) -> ICMPv4Message {
        ICMPv4Message(type: .parameterProblem, rest: UInt32(pointer) << 24)
    }

    /// Writes the eight bytes in front of the data, which stands behind them already, with a checksum over all of
    /// `bytes`; the window must have the eight bytes.
    @inlinable
    public func emit(into bytes: Bytes) {
        bytes.store(type.rawValue, at: 0)
        bytes.store(code, at: 1)
        bytes.storeNetwork(0 as UInt16, at: 2)
        bytes.storeNetwork(rest, at: 4)
        var sum = InternetChecksum()
        sum.add(bytes)
        bytes.storeNetwork(sum.value, at: 2)
    }
}
