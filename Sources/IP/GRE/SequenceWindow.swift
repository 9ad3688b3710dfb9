// SPDX-License-Identifier: Apache-2.0
import Graph
import Synchronization

/// The last sequence number that came by a tunnel, and when: one word, which several workers may bring forward.
@frozen
public struct SequenceWindow: BitwiseCopyable, @unchecked Sendable {
    /// The number in the low half; in the high one the time in units of 2^20 clocks, never 0, or 0 before the first packet.
    @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt64>>

    /// - Parameter word: Zero at first.
    @inlinable @inline(__always)
    public init(_ word: UnsafeMutablePointer<Atomic<UInt64>>) { self.word = word }

    @frozen
    public enum Judgement: BitwiseCopyable {
        /// In order; that many numbers before it have not been seen.
        case inOrder(missing: UInt32)
        /// The number is not above the last one's.
        case late
        /// Late by its number, but nothing in order has come for a while: the sender has begun anew.
        case restarted
    }

    /// Seconds without a packet in order after which a late one is taken for the first of a sender that has begun anew.
    static let silence = 3.0

    private static let silenceUnits = Int32(Clock.ticks(milliseconds: silence * 1000) >> 20)

    /// Judges a packet's number, and remembers it unless it is late.
    /// - Parameter clock: `Clock.now`.
    public func judge(_ sequence: UInt32, at clock: UInt64) -> Judgement {
        let time = UInt32(truncatingIfNeeded: clock >> 20) | 1
        var old = word.pointee.load(ordering: .relaxed)
        while true {
            let last = UInt32(truncatingIfNeeded: old)
            let lastTime = UInt32(truncatingIfNeeded: old >> 32)
            let distance = sequence &- last
            let isLate = lastTime != 0 && Int32(truncatingIfNeeded: distance) <= 0
            // Workers' clocks may be a little apart.
            if isLate, Int32(truncatingIfNeeded: time &- lastTime) < SequenceWindow.silenceUnits { return .late }
            let (done, seen) = word.pointee.compareExchange(
                expected: old, desired: UInt64(time) << 32 | UInt64(sequence), ordering: .relaxed)
            if done { return isLate ? .restarted : .inOrder(missing: lastTime == 0 ? 0 : distance &- 1) }
            old = seen
        }
    }
}
