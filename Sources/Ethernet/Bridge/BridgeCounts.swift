// SPDX-License-Identifier: Apache-2.0

/// What learning came to and what flooding did, of one worker or of all together.
struct BridgeCounts: BitwiseCopyable, Sendable {
    /// Stations learned, and of those known that moved to another port.
    var learned: UInt64 = 0
    var moved: UInt64 = 0
    /// Frames from a station that was not learned: it is static elsewhere.
    var fixed: UInt64 = 0
    /// Or it has moved too often.
    var held: UInt64 = 0
    /// Or its port, or its domain, has as many stations as it may.
    var portFull: UInt64 = 0
    var domainFull: UInt64 = 0
    /// Or there was no place for it in the forwarding database.
    var noRoom: UInt64 = 0
    /// Copies of flooded frames.
    var copies: UInt64 = 0

    static func + (one: BridgeCounts, other: BridgeCounts) -> BridgeCounts {
        BridgeCounts(
            learned: one.learned &+ other.learned, moved: one.moved &+ other.moved, fixed: one.fixed &+ other.fixed,
            held: one.held &+ other.held, portFull: one.portFull &+ other.portFull,
            domainFull: one.domainFull &+ other.domainFull, noRoom: one.noRoom &+ other.noRoom,
            copies: one.copies &+ other.copies)
    }
}
