// SPDX-License-Identifier: Apache-2.0
import Graph

/// The time as the forwarding database keeps it: a power of two of the clock's ticks, between half a second and a second,
/// so that a worker has it by one shift and nobody needs to tell it. Sixteen bits of it last for nine hours at least.
enum FDBStamp {
    /// Ticks of `Clock` to the unit are two to the power of this.
    static let shift = UInt64(63 - UInt64(Clock.frequency).leadingZeroBitCount)

    /// Units in so many seconds, at least one.
    static func units(seconds: Int) -> UInt16 {
        UInt16(clamping: max(1, Int(Double(seconds) * Clock.frequency / Double(UInt64(1) << shift))))
    }

    /// Seconds in so many units.
    static func seconds(_ units: UInt16) -> Double { Double(units) * Double(UInt64(1) << shift) / Clock.frequency }

    /// - Parameter clock: In ticks of `Clock`.
    @inline(__always)
    static func at(_ clock: UInt64, shift: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: clock &>> shift) }

    static var now: UInt16 { at(Clock.now, shift: shift) }
}
