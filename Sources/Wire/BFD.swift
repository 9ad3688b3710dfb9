// SPDX-License-Identifier: Apache-2.0

/// A view of a BFD control packet (RFC 5880 section 4.1): the payload of a UDP datagram.
///
/// The initialiser checks only that the mandatory section is there. Whoever goes on to `authentication` has compared
/// `length` with the window first, as RFC 5880 section 6.8.6 orders.
@frozen
public struct BFDView: BitwiseCopyable {
    /// Bytes of the mandatory section.
    @inlinable public static var minimumLength: Int { 24 }

    /// From the version to the end of the payload.
    public let bytes: Bytes

    /// Nil when there are fewer than 24 bytes.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= BFDView.minimumLength else { return nil }
        self.bytes = bytes
    }

    @inlinable public var version: UInt8 { bytes.load(at: 0, as: UInt8.self) &>> 5 }
    @inlinable public var diagnostic: BFDDiagnostic { BFDDiagnostic(rawValue: bytes.load(at: 0, as: UInt8.self) & 31) }
    @inlinable public var state: BFDState { BFDState(bits: bytes.load(at: 1, as: UInt8.self) &>> 6) }
    /// The six bits behind the state.
    @inlinable public var flags: BFDFlags { BFDFlags(rawValue: bytes.load(at: 1, as: UInt8.self) & 63) }
    @inlinable public var multiplier: UInt8 { bytes.load(at: 2) }
    /// Bytes of the whole packet as it claims, authentication included.
    @inlinable public var length: Int { Int(bytes.load(at: 3, as: UInt8.self)) }
    /// The sender's number for the session.
    @inlinable public var myDiscriminator: UInt32 { bytes.network(at: 4) }
    /// The receiver's number for the session; 0 when the sender does not know it.
    @inlinable public var yourDiscriminator: UInt32 { bytes.network(at: 8) }
    /// Microseconds.
    @inlinable public var desiredMinTx: UInt32 { bytes.network(at: 12) }
    /// Microseconds; 0: no periodic packets, please.
    @inlinable public var requiredMinRx: UInt32 { bytes.network(at: 16) }
    /// Microseconds; 0: no echo packets, please.
    @inlinable public var requiredMinEchoRx: UInt32 { bytes.network(at: 20) }

    /// The section behind the mandatory one; nil when the packet, as far as it is there, has none of its claimed length.
    @inlinable
    public var authentication: BFDAuthenticationView? {
        BFDAuthenticationView(bytes.prefix(length).dropping(first: BFDView.minimumLength))
    }
}

/// A view of a BFD authentication section (RFC 5880 sections 4.2 to 4.4).
@frozen
public struct BFDAuthenticationView: BitwiseCopyable {
    /// From the type to the end of the section.
    public let bytes: Bytes

    /// Nil when there is no room for type, length and key identifier, or less than the section claims.
    @inlinable
    public init?(_ bytes: Bytes) {
        guard bytes.count >= 3 else { return nil }
        let length = Int(bytes.load(at: 1, as: UInt8.self))
        guard length >= 3, length <= bytes.count else { return nil }
        self.bytes = bytes.prefix(length)
    }

    @inlinable public var type: UInt8 { bytes.load(at: 0) }
    /// Bytes of the section.
    @inlinable public var length: Int { bytes.count }
    @inlinable public var keyIdentifier: UInt8 { bytes.load(at: 2) }
    /// Of keyed MD5 and SHA1; the section is at least 8 bytes long.
    @inlinable public var sequence: UInt32 { bytes.network(at: 4) }
    /// Of keyed MD5 and SHA1: what stands behind the sequence number.
    @inlinable public var digest: Bytes { bytes.dropping(first: 8) }
}

/// The mandatory section of a BFD control packet as a value (RFC 5880 section 4.1). Version 1, not multipoint.
@frozen
public struct BFDPacket: Hashable, Sendable, BitwiseCopyable {
    public var state: BFDState
    public var diagnostic: BFDDiagnostic
    public var flags: BFDFlags
    /// How many packets the receiver may miss; never 0.
    public var multiplier: UInt8
    public var myDiscriminator: UInt32
    public var yourDiscriminator: UInt32
    /// Intervals in microseconds.
    public var desiredMinTx: UInt32
    public var requiredMinRx: UInt32
    public var requiredMinEchoRx: UInt32

    @inlinable
    public init(
        state: BFDState, diagnostic: BFDDiagnostic = .none, flags: BFDFlags = [], multiplier: UInt8 = 3,
        myDiscriminator: UInt32, yourDiscriminator: UInt32 = 0, desiredMinTx: UInt32 = 1_000_000,
        requiredMinRx: UInt32 = 1_000_000, requiredMinEchoRx: UInt32 = 0
    ) {
        self.state = state
        self.diagnostic = diagnostic
        self.flags = flags
        self.multiplier = multiplier
        self.myDiscriminator = myDiscriminator
        self.yourDiscriminator = yourDiscriminator
        self.desiredMinTx = desiredMinTx
        self.requiredMinRx = requiredMinRx
        self.requiredMinEchoRx = requiredMinEchoRx
    }

    /// The packet as it stands; nothing is judged.
    @inlinable
    public init(_ view: BFDView) {
        self.init(
            state: view.state, diagnostic: view.diagnostic, flags: view.flags, multiplier: view.multiplier,
            myDiscriminator: view.myDiscriminator, yourDiscriminator: view.yourDiscriminator,
            desiredMinTx: view.desiredMinTx, requiredMinRx: view.requiredMinRx,
            requiredMinEchoRx: view.requiredMinEchoRx)
    }

    /// Writes the 24 bytes; the window must have them. Its length is what the packet claims: an authentication section,
    /// if the flags announce one, fills the rest.
    @inlinable
    public func emit(into bytes: Bytes) {
        bytes.store(1 << 5 | diagnostic.rawValue & 31, at: 0)
        bytes.store(state.rawValue << 6 | flags.rawValue & 63, at: 1)
        bytes.store(multiplier, at: 2)
        bytes.store(UInt8(truncatingIfNeeded: bytes.count), at: 3)
        bytes.storeNetwork(myDiscriminator, at: 4)
        bytes.storeNetwork(yourDiscriminator, at: 8)
        bytes.storeNetwork(desiredMinTx, at: 12)
        bytes.storeNetwork(requiredMinRx, at: 16)
        bytes.storeNetwork(requiredMinEchoRx, at: 20)
    }
}

/// The state of a session (RFC 5880 section 4.1).
@frozen
public enum BFDState: UInt8, Sendable, BitwiseCopyable, CaseIterable, Codable, CustomStringConvertible {
    case adminDown, down, `init`, up

    /// The two lowest bits of `bits`.
    @inlinable
    public init(bits: UInt8) {
        switch bits & 3 {
        case 0: self = .adminDown
        case 1: self = .down
        case 2: self = .`init`
        default: self = .up
        }
    }

    /// As operators write it: "admin-down", "down", "init", "up".
    public var description: String {
        switch self {
        case .adminDown: "admin-down"
        case .down: "down"
        case .`init`: "init"
        case .up: "up"
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Why a session last left Up (RFC 5880 section 4.1). Unknown codes are kept.
@frozen
public struct BFDDiagnostic: RawRepresentable, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
    /// Five bits.
    public let rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable public static var none: BFDDiagnostic { BFDDiagnostic(rawValue: 0) }
    @inlinable public static var detectionTimeExpired: BFDDiagnostic { BFDDiagnostic(rawValue: 1) }
    @inlinable public static var echoFailed: BFDDiagnostic { BFDDiagnostic(rawValue: 2) }
    @inlinable public static var neighborSignaledDown: BFDDiagnostic { BFDDiagnostic(rawValue: 3) }
    @inlinable public static var forwardingPlaneReset: BFDDiagnostic { BFDDiagnostic(rawValue: 4) }
    @inlinable public static var pathDown: BFDDiagnostic { BFDDiagnostic(rawValue: 5) }
    @inlinable public static var concatenatedPathDown: BFDDiagnostic { BFDDiagnostic(rawValue: 6) }
    @inlinable public static var administrativelyDown: BFDDiagnostic { BFDDiagnostic(rawValue: 7) }
    @inlinable public static var reverseConcatenatedPathDown: BFDDiagnostic { BFDDiagnostic(rawValue: 8) }

    private static let texts = [
        "none", "control detection time expired", "echo function failed", "neighbour signalled session down",
        "forwarding plane reset", "path down", "concatenated path down", "administratively down",
        "reverse concatenated path down",
    ]

    public var description: String {
        Int(rawValue) < BFDDiagnostic.texts.count ? BFDDiagnostic.texts[Int(rawValue)] : "diagnostic \(rawValue)"
    }
}

/// The bits behind the state (RFC 5880 section 4.1).
@frozen
public struct BFDFlags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable public static var poll: BFDFlags { BFDFlags(rawValue: 0x20) }
    @inlinable public static var final: BFDFlags { BFDFlags(rawValue: 0x10) }
    /// The sender's BFD survives its control plane.
    @inlinable public static var controlPlaneIndependent: BFDFlags { BFDFlags(rawValue: 0x08) }
    @inlinable public static var authenticated: BFDFlags { BFDFlags(rawValue: 0x04) }
    /// The sender wants no periodic packets while both sides are Up.
    @inlinable public static var demand: BFDFlags { BFDFlags(rawValue: 0x02) }
    /// Reserved; must be 0.
    @inlinable public static var multipoint: BFDFlags { BFDFlags(rawValue: 0x01) }
}

/// The UDP ports of BFD (RFC 5881 section 4, RFC 5883 section 5).
public enum BFDPort {
    @inlinable public static var control: UInt16 { 3784 }
    @inlinable public static var echo: UInt16 { 3785 }
    @inlinable public static var multihop: UInt16 { 4784 }
    /// Where a session's source port begins; it goes to 65535.
    @inlinable public static var firstSource: UInt16 { 49152 }
}
