// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Wire

/// The three types of ERSPAN.
enum ERSPANVersion: UInt8, BitwiseCopyable, Sendable {
    case typeI = 1
    case typeII, typeIII
}

/// What workers need of one `erspan` interface: written before anything leads to it, but for `longest`.
struct ERSPANRecord: BitwiseCopyable {
    struct Options: OptionSet, BitwiseCopyable {
        let rawValue: UInt8
        /// Type II's index is the file's, not that of the frame's source.
        static let hasIndex = Options(rawValue: 1 << 0)
        /// Type III's timestamps count nanoseconds, with a sub-header for the seconds.
        static let nanoseconds = Options(rawValue: 1 << 1)
        /// Where frames that come in go, what is too long is cut: another session.
        static let exitCuts = Options(rawValue: 1 << 2)
    }

    var outer: OuterHeader
    var interface: InterfaceIndex
    /// The table (VRF) that its packets are routed by, by number.
    var table: UInt32
    /// The flow of all of its packets, which must not overtake each other.
    var flow: UInt32
    /// Who numbers them.
    var owner: UInt32
    /// Type II's index, when `options` has it: 20 bits.
    var index: UInt32
    /// Bytes of the longest frame that the path takes; longer ones are cut. Changes by one store.
    var longest: UInt32
    /// Where frames that come in go; 0 for nowhere.
    var exit: InterfaceIndex
    var session: UInt16
    var version: ERSPANVersion
    var options: Options
    var timeToLive: UInt8
    var trafficClass: UInt8
    var hardware: UInt8
    /// Bytes in front of a frame.
    var overhead: UInt8
}

/// Wall-clock time of moments that the processor's clock tells.
struct WallClock: BitwiseCopyable {
    /// Nanoseconds since 1970 and `Clock.now` at the same moment.
    private let base: (nanoseconds: UInt64, ticks: UInt64)
    /// Nanoseconds of 2^32 ticks.
    private static let scale = UInt64(1e9 / Clock.frequency * 4_294_967_296)

    init(nanoseconds: UInt64, at ticks: UInt64) { base = (nanoseconds, ticks) }

    /// Nanoseconds since 1970 at `ticks`, which is not long before or after the moment that this was made.
    @inline(__always)
    func nanoseconds(at ticks: UInt64) -> UInt64 {
        let distance = Int64(bitPattern: ticks &- base.ticks)
        let passed = distance.magnitude.multipliedFullWidth(by: WallClock.scale)
        let nanoseconds = passed.high << 32 | passed.low >> 32
        return distance < 0 ? base.nanoseconds &- nanoseconds : base.nanoseconds &+ nanoseconds
    }
}
