// SPDX-License-Identifier: Apache-2.0
import Wire

/// What a session is told to do. All intervals are in microseconds.
public struct BFDParameters: Hashable, Sendable, BitwiseCopyable {
    /// How often the session sends at most, while it is Up; not Up, it sends once a second at most.
    public var transmitInterval: UInt32 = 300_000
    /// How often the peer may send at most.
    public var receiveInterval: UInt32 = 300_000
    /// How often the peer may send echo packets at most; 0: not at all. Always 0 on the wire of a multihop session.
    public var echoReceiveInterval: UInt32 = 50_000
    /// How often the session sends echo packets while it is Up; 0: never. Single hop only.
    public var echoInterval: UInt32 = 0
    /// How many packets in a row may be lost, in either direction; 1 to 255.
    public var multiplier: UInt8 = 3
    /// Whether the session waits for the peer's first packet before it sends.
    public var isPassive = false
    /// The least TTL or hop limit of packets to a multihop session (RFC 5883); a single hop has to have 255.
    public var minimumTTL: UInt8 = 254
    public var authentication = BFDAuthentication.none

    public init() {}

    /// The slowest rate of sessions that are not Up, and of control packets beside echoes (RFC 5880 section 6.8.3).
    static let slowInterval: UInt32 = 1_000_000
    /// What configurations may give: 3.3 ms is the fastest of RFC 7419's common intervals.
    static let intervals = 3_300...60_000_000 as ClosedRange<UInt32>
}

/// How a session's packets are authenticated (RFC 5880 section 6.7): a type, and one key for both directions.
public struct BFDAuthentication: Hashable, Sendable, BitwiseCopyable {
    public enum Kind: UInt8, Sendable, BitwiseCopyable {
        case none = 0
        case keyedMD5 = 2
        case meticulousMD5 = 3
        case keyedSHA1 = 4
        case meticulousSHA1 = 5

        var isMeticulous: Bool { self == .meticulousMD5 || self == .meticulousSHA1 }

        /// Bytes of the digest, which are those of the longest key.
        public var digestLength: Int {
            switch self {
            case .none: 0
            case .keyedMD5, .meticulousMD5: 16
            case .keyedSHA1, .meticulousSHA1: 20
            }
        }

        /// Bytes of the section in a packet: type, length, key, a reserved byte, sequence number, digest.
        var sectionLength: Int { self == .none ? 0 : 8 + digestLength }
    }

    public let kind: Kind
    public let keyIdentifier: UInt8
    /// The key in wire order, padded with zeros to 24 bytes.
    let key: (UInt64, UInt64, UInt64)

    public static let none = BFDAuthentication()

    private init() {
        kind = .none
        keyIdentifier = 0
        key = (0, 0, 0)
    }

    /// Nil when the key is empty or longer than the digest: 16 bytes for MD5, 20 for SHA1.
    public init?(_ kind: Kind, keyIdentifier: UInt8, key: [UInt8]) {
        guard !key.isEmpty, key.count <= kind.digestLength else { return nil }
        self.kind = kind
        self.keyIdentifier = keyIdentifier
        var padded = (UInt64(0), UInt64(0), UInt64(0))
        withUnsafeMutableBytes(of: &padded) { $0.copyBytes(from: key) }
        self.key = padded
    }

    public static func == (a: BFDAuthentication, b: BFDAuthentication) -> Bool {
        a.kind == b.kind && a.keyIdentifier == b.keyIdentifier && a.key == b.key
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(keyIdentifier)
        hasher.combine(key.0)
    }
}
