// SPDX-License-Identifier: Apache-2.0

/// What the forwarding database says of one station: where it is, and since when.
///
/// One word, so that it changes by one compare-and-swap:
///
///     63        54 53      38 37    22  21     20    19        0
///     | sequence | generation | stamp | busy | static | port |
///
/// Port 0 is none: the place is free, or (`isBusy`) somebody is about to put an entry into it. The sequence goes up with
/// each entry that the place gets, which is how a reader knows that key and value belong together.
struct FDBValue: BitwiseCopyable, Equatable {
    let rawValue: UInt64

    static var portMask: UInt64 { 0xf_ffff }
    static var staticBit: UInt64 { 1 << 20 }
    static var busyBit: UInt64 { 1 << 21 }
    static var stampShift: UInt64 { 22 }
    static var generationShift: UInt64 { 38 }
    static var sequenceShift: UInt64 { 54 }
    /// All but the sequence.
    static var entryMask: UInt64 { 1 << 54 &- 1 }

    @inline(__always)
    init(rawValue: UInt64) { self.rawValue = rawValue }

    /// An entry, its sequence 0.
    /// - Parameters:
    ///   - port: 1 to 2^20 - 1.
    ///   - generation: The port's.
    ///   - stamp: When a frame last came from the station, in units of ``FDBStamp``.
    @inline(__always)
    init(port: UInt32, generation: UInt16, stamp: UInt16, isStatic: Bool = false) {
        rawValue =
            UInt64(port) & FDBValue.portMask | (isStatic ? FDBValue.staticBit : 0)
            | UInt64(stamp) &<< FDBValue.stampShift | UInt64(generation) &<< FDBValue.generationShift
    }

    static var none: FDBValue { FDBValue(rawValue: 0) }

    @inline(__always) var port: UInt32 { UInt32(truncatingIfNeeded: rawValue & FDBValue.portMask) }
    @inline(__always) var isStatic: Bool { rawValue & FDBValue.staticBit != 0 }
    @inline(__always) var isBusy: Bool { rawValue & FDBValue.busyBit != 0 }
    @inline(__always) var stamp: UInt16 { UInt16(truncatingIfNeeded: rawValue &>> FDBValue.stampShift) }
    @inline(__always) var generation: UInt16 { UInt16(truncatingIfNeeded: rawValue &>> FDBValue.generationShift) }
    @inline(__always) var sequence: UInt64 { rawValue &>> FDBValue.sequenceShift }

    /// This entry with another's sequence.
    @inline(__always)
    func following(_ sequence: UInt64) -> FDBValue {
        FDBValue(rawValue: rawValue & FDBValue.entryMask | sequence &<< FDBValue.sequenceShift)
    }
}

/// A station in a bridge domain: its address in the low 48 bits as a little-endian load gives it, the domain above.
struct FDBKey: BitwiseCopyable, Hashable {
    let rawValue: UInt64

    /// - Parameters:
    ///   - address: A station's; the highest sixteen bits are ignored.
    ///   - domain: The domain's number, from 1.
    @inline(__always)
    init(_ address: UInt64, domain: UInt16) {
        rawValue = address & 0xffff_ffff_ffff | UInt64(domain) &<< 48
    }

    @inline(__always)
    init(rawValue: UInt64) { self.rawValue = rawValue }

    var address: UInt64 { rawValue & 0xffff_ffff_ffff }
    var domain: UInt16 { UInt16(truncatingIfNeeded: rawValue &>> 48) }
}
