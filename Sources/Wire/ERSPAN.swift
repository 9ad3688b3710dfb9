// SPDX-License-Identifier: Apache-2.0

/// The headers of ERSPAN, behind those of GRE (draft-foschiano-erspan-03 sections 4.2, 4.3). Big endian, as all.
///
///     type II   Ver 4 (1) | VLAN 12 | COS 3 | En 2 | T 1 | Session ID 10
///               Reserved 12 | Index 20
///     type III  Ver 4 (2) | VLAN 12 | COS 3 | BSO 2 | T 1 | Session ID 10
///               Timestamp 32
///               SGT 16 | P 1 | FT 5 | Hw ID 6 | D 1 | Gra 2 | O 1
///
/// Type I has no header: the frame follows GRE's.
public enum ERSPAN {
    @inlinable public static var lengthII: Int { 8 }
    @inlinable public static var lengthIII: Int { 12 }
    /// Of type III's platform specific sub-header, which is there when O is set.
    @inlinable public static var subHeaderLength: Int { 8 }

    /// What the frame had for a VLAN tag, and where that is now: En.
    public enum Encapsulation: UInt8, Sendable, BitwiseCopyable {
        case untagged
        /// ISL, which nobody has any more.
        case isl
        /// The tag was taken out of the frame; VLAN and COS say what it was.
        case tagRemoved
        /// The tag is in the frame.
        case tagKept
    }

    /// What was wrong with the frame's length or content: BSO of type III.
    public enum Quality: UInt8, Sendable, BitwiseCopyable {
        case good, short, oversized, bad
    }

    /// In what unit a timestamp counts: Gra of type III.
    public enum Granularity: UInt8, Sendable, BitwiseCopyable {
        case microseconds100, nanoseconds100, ieee1588, custom
    }
}

/// An ERSPAN header of type II or III as a value.
@frozen
public struct ERSPANHeader: Hashable, Sendable, BitwiseCopyable {
    /// 0 to 4,095; 0 for a frame without a tag.
    public var vlan: UInt16 = 0
    /// 0 to 7.
    public var priority: UInt8 = 0
    /// The frame was longer.
    public var isTruncated = false
    /// 0 to 1,023.
    public var session: UInt16

    @inlinable
    public init(session: UInt16) { self.session = session }

    /// The first word. `middle` is En or BSO.
    @inlinable @inline(__always)
    func word(version: UInt32, middle: UInt8) -> UInt32 {
        let tag = UInt32(vlan & 0xFFF) &<< 16 | UInt32(priority & 7) &<< 13
        return version &<< 28 | tag | UInt32(middle & 3) &<< 11 | (isTruncated ? 0x400 : 0) | UInt32(session & 0x3FF)
    }

    /// Writes the eight bytes of type II; the window must have them.
    /// - Parameter index: Port and direction as the platform has them, 20 bits.
    @inlinable @inline(__always)
    public func emitII(_ encapsulation: ERSPAN.Encapsulation, index: UInt32, into bytes: Bytes) {
        bytes.storeNetwork(word(version: 1, middle: encapsulation.rawValue), at: 0)
        bytes.storeNetwork(index & 0xF_FFFF, at: 4)
    }

    /// Writes the twelve bytes of type III of an Ethernet frame: P is set, FT and SGT are 0. The window must have them.
    @inlinable @inline(__always)
    public func emitIII(
        _ quality: ERSPAN.Quality, timestamp: UInt32, hardware: UInt8, isEgress: Bool,
        granularity: ERSPAN.Granularity, hasSubHeader: Bool, into bytes: Bytes
    ) {
        bytes.storeNetwork(word(version: 2, middle: quality.rawValue), at: 0)
        bytes.storeNetwork(timestamp, at: 4)
        let low =
            0x8000 | UInt32(hardware & 0x3F) &<< 4 | (isEgress ? 8 : 0) | UInt32(granularity.rawValue) &<< 1
            | (hasSubHeader ? 1 : 0)
        bytes.storeNetwork(low, at: 8)
    }

    /// Writes type III's sub-header of platform 5: a switch (10 bits), its port, and the seconds of the timestamp.
    @inlinable @inline(__always)
    public static func emitPlatform5(switch number: UInt16, port: UInt16, seconds: UInt32, into bytes: Bytes) {
        bytes.storeNetwork(5 &<< 26 | UInt32(number & 0x3FF) &<< 16 | UInt32(port), at: 0)
        bytes.storeNetwork(seconds, at: 4)
    }
}

/// A view of an ERSPAN header of type II or III, behind GRE's. The initialiser checks that it is all there.
@frozen
public struct ERSPANView: BitwiseCopyable {
    public let bytes: Bytes

    /// Nil when there are fewer bytes than the header has; of a version that is neither 1 nor 2, fewer than 8.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= ERSPAN.lengthII else { return nil }
        self.bytes = bytes
        guard version != 2 || bytes.count >= ERSPAN.lengthIII, length <= bytes.count else { return nil }
    }

    /// 1 is type II, 2 is type III.
    @inlinable public var version: UInt8 { bytes.load(at: 0, as: UInt8.self) &>> 4 }
    @inlinable public var vlan: UInt16 { bytes.network(at: 0, as: UInt16.self) & 0xFFF }
    @inlinable public var priority: UInt8 { bytes.load(at: 2, as: UInt8.self) &>> 5 }
    /// Of type II.
    @inlinable
    public var encapsulation: ERSPAN.Encapsulation {
        ERSPAN.Encapsulation(rawValue: bytes.load(at: 2, as: UInt8.self) &>> 3 & 3) ?? .untagged
    }
    @inlinable public var isTruncated: Bool { bytes.load(at: 2, as: UInt8.self) & 4 != 0 }
    @inlinable public var session: UInt16 { bytes.network(at: 2, as: UInt16.self) & 0x3FF }

    /// Of type III: what follows, 0 for an Ethernet frame.
    @inlinable public var frameType: UInt8 { bytes.load(at: 10, as: UInt8.self) &>> 2 & 0x1F }
    /// Of type III: whether the frame was on its way out.
    @inlinable public var isEgress: Bool { bytes.load(at: 11, as: UInt8.self) & 8 != 0 }
    /// Of type III.
    @inlinable public var hasSubHeader: Bool { bytes.load(at: 11, as: UInt8.self) & 1 != 0 }

    /// With the sub-header, bytes.
    @inlinable @inline(__always)
    public var length: Int {
        version != 2 ? ERSPAN.lengthII : ERSPAN.lengthIII &+ (hasSubHeader ? ERSPAN.subHeaderLength : 0)
    }

    /// The mirrored frame.
    @inlinable public var payload: Bytes { bytes.dropping(first: length) }
}

extension EtherType {
    /// ERSPAN of types I and II in GRE.
    @inlinable public static var erspan2: EtherType { EtherType(rawValue: 0x88BE) }
    /// ERSPAN of type III in GRE.
    @inlinable public static var erspan3: EtherType { EtherType(rawValue: 0x22EB) }
}
