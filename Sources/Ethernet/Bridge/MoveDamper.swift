// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// Notes stations that move, and holds those that move too often where they are: a loop, or two stations of one address.
///
/// A station has its place in a small table by its hash; a station with the same place takes it over once the other's
/// interval is past. So a flood of moving stations makes it forget some of them, never hold a wrong one. A place is one word:
///
///     63      40 39    24 23         16 15     0
///     | unused  | hash   | moves      | begin  |
struct MoveDamper: BitwiseCopyable, @unchecked Sendable {
    /// What a domain says of moves.
    struct Limit: BitwiseCopyable {
        /// In an interval, 1 to 255; 0 for any number.
        var moves: UInt8 = 0
        /// Units of ``FDBStamp``.
        var interval: UInt16 = 0
    }

    static let capacity = 1 << 12

    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let limits: UnsafeMutablePointer<Limit>

    init() {
        guard let places = CMartletLinux_mapAnonymous(MoveDamper.capacity * 8, 0),
            let limits = CMartletLinux_mapAnonymous(BridgeTally.domainCapacity * MemoryLayout<Limit>.stride, 0)
        else { fatalError("no address space for the table of moving stations") }
        words = places.bindMemory(to: Atomic<UInt64>.self, capacity: MoveDamper.capacity)
        self.limits = limits.bindMemory(to: Limit.self, capacity: BridgeTally.domainCapacity)
    }

    func unmap() {
        munmap(words, MoveDamper.capacity * 8)
        munmap(limits, BridgeTally.domainCapacity * MemoryLayout<Limit>.stride)
    }

    /// Control side.
    func setLimit(_ limit: Limit, ofDomain number: UInt16) { limits[Int(number)] = limit }

    /// Whether a station may move once more, which is then counted. Any worker.
    /// - Parameter stamp: Now.
    func admits(_ key: FDBKey, _ stamp: UInt16) -> Bool {
        let limit = limits[Int(key.domain)]
        guard limit.moves != 0 else { return true }
        let hash = key.rawValue &* 0x9e37_79b9_7f4a_7c15
        let word = words + Int(truncatingIfNeeded: hash &>> 52)
        let tag = (hash &>> 20) & 0xffff
        let current = word.pointee.load(ordering: .relaxed)
        let begin = UInt16(truncatingIfNeeded: current)
        let moves = UInt8(truncatingIfNeeded: current &>> 16)
        let isOver = moves == 0 || stamp &- begin > limit.interval
        let isThis = (current &>> 24) & 0xffff == tag
        if isOver {
            // If another worker is ahead, a move is not counted: there will be more of them.
            _ = swap(word, current, tag, 1, stamp)
            return true
        }
        guard isThis else { return true }
        guard moves < limit.moves else { return false }
        _ = swap(word, current, tag, moves &+ 1, begin)
        return true
    }

    private func swap(
        _ word: UnsafeMutablePointer<Atomic<UInt64>>, _ old: UInt64, _ tag: UInt64, _ moves: UInt8, _ begin: UInt16
    ) -> Bool {
        let new = tag &<< 24 | UInt64(moves) &<< 16 | UInt64(begin)
        return word.pointee.compareExchange(expected: old, desired: new, ordering: .relaxed).exchanged
    }
}
