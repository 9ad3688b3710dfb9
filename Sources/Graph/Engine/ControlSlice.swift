// SPDX-License-Identifier: Apache-2.0

/// A share of the control side's time for work that takes long: who has much to do looks now and then whether its slice
/// is over, and leaves the rest to a later turn.
public struct ControlSlice: Sendable {
    /// Half of the millisecond in which a failure is to be mended: what waits for a slice's end (a trigger, a command, a
    /// timer) has the other half.
    public static let milliseconds = 0.5
    private static let length = Clock.ticks(milliseconds: milliseconds)

    private let begin = Clock.now

    /// Begins now.
    public init() {}

    public var isOver: Bool { Clock.now &- begin >= ControlSlice.length }
}
