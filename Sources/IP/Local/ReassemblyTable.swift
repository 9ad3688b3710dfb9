// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph
import Wire

/// The unfinished datagrams of one worker and family, in memory of fixed size. Their places are numbered from 0.
///
/// A few hundred at most: they are found by looking at all of their hashes, a handful of cache lines.
struct ReassemblyTable: @unchecked Sendable {
    /// What became of a fragment.
    enum Outcome {
        case taken, whole, duplicate, overlap, inconsistentEnd
    }

    private static let none = UInt16.max

    /// Datagrams at most.
    let capacity: Int
    private let wordCount: Int
    private let datagrams: UnsafeMutablePointer<HeldDatagram>
    private let words: UnsafeMutablePointer<UInt64>
    /// 0 for places that are free.
    private let hashes: UnsafeMutablePointer<UInt32>
    private let senders: UnsafeMutablePointer<UInt64>
    /// In the order in which they began, or free places.
    private let next: UnsafeMutablePointer<UInt16>
    private let previous: UnsafeMutablePointer<UInt16>
    private var firstFree: UInt16 = 0
    private var first = ReassemblyTable.none
    private var last = ReassemblyTable.none
    private(set) var count = 0

    /// - Parameter longest: Bytes of the longest packet that a buffer holds.
    init(capacity: Int, longest: Int) {
        self.capacity = capacity
        wordCount = UnitMap.wordCount(capacity: longest)
        datagrams = .allocate(capacity: capacity)
        words = .allocate(capacity: capacity * 2 * wordCount)
        words.initialize(repeating: 0, count: capacity * 2 * wordCount)
        hashes = .allocate(capacity: capacity)
        hashes.initialize(repeating: 0, count: capacity)
        senders = .allocate(capacity: capacity)
        senders.initialize(repeating: 0, count: capacity)
        next = .allocate(capacity: capacity)
        previous = .allocate(capacity: capacity)
        for place in 0..<capacity {
            next[place] = place + 1 < capacity ? UInt16(place + 1) : ReassemblyTable.none
            previous[place] = ReassemblyTable.none
        }
    }

    func deallocate() {
        datagrams.deallocate()
        words.deallocate()
        hashes.deallocate()
        senders.deallocate()
        next.deallocate()
        previous.deallocate()
    }

    subscript(place: Int) -> HeldDatagram {
        unsafeAddress { UnsafePointer(datagrams + place) }
        nonmutating unsafeMutableAddress { datagrams + place }
    }

    // MARK: - Finding

    func find(_ key: DatagramKey, _ hash: UInt32) -> Int? {
        for place in 0..<capacity where hashes[place] == hash && datagrams[place].key == key { return place }
        return nil
    }

    /// The datagram that began first.
    var oldest: Int? { first == ReassemblyTable.none ? nil : Int(first) }

    func count(from sender: UInt64) -> Int {
        var count = 0
        for place in 0..<capacity where senders[place] == sender && hashes[place] != 0 { count &+= 1 }
        return count
    }

    func oldest(from sender: UInt64) -> Int? {
        var place = first
        while place != ReassemblyTable.none, senders[Int(place)] != sender { place = next[Int(place)] }
        return place == ReassemblyTable.none ? nil : Int(place)
    }

    // MARK: - Changing

    /// - Parameter hash: Not 0.
    /// - Returns: Nil when the table is full.
    mutating func open(_ datagram: HeldDatagram, _ hash: UInt32) -> Int? {
        guard firstFree != ReassemblyTable.none else { return nil }
        let place = Int(firstFree)
        firstFree = next[place]
        (datagrams + place).initialize(to: datagram)
        hashes[place] = hash
        senders[place] = datagram.key.sender
        map(place).clear()
        next[place] = ReassemblyTable.none
        previous[place] = last
        if last == ReassemblyTable.none { first = UInt16(place) } else { next[Int(last)] = UInt16(place) }
        last = UInt16(place)
        count &+= 1
        return place
    }

    mutating func close(_ place: Int) {
        let (before, after) = (previous[place], next[place])
        if before == ReassemblyTable.none { first = after } else { next[Int(before)] = after }
        if after == ReassemblyTable.none { last = before } else { previous[Int(after)] = before }
        hashes[place] = 0
        next[place] = firstFree
        firstFree = UInt16(place)
        count &-= 1
    }

    /// Copies the fragment's data to its place in the datagram's, unless something is wrong with it.
    /// - Parameters:
    ///   - data: Where that begins; there is room for the fragment.
    ///   - refusesOverlap: Else the fragment's bytes take the place of those that are there.
    ///   - overlaps: Counts fragments that overlap others.
    func add(
        _ fragment: Fragment, to place: Int, at data: UnsafeMutableRawPointer, refusesOverlap: Bool,
        overlaps: inout UInt64
    ) -> Outcome {
        if datagrams[place].contradicts(fragment) { return .inconsistentEnd }
        let units = fragment.offset >> 3..<(fragment.end &+ 7) >> 3
        let map = map(place)
        let present = map.count(units)
        if present > 0 {
            if present == units.count, memcmp(data + fragment.offset, fragment.data.start, fragment.data.count) == 0,
                !refusesOverlap || map.isOneFragment(units)
            {
                return .duplicate
            }
            overlaps &+= 1
            if refusesOverlap { return .overlap }
        }
        (data + fragment.offset).copyMemory(from: fragment.data.start, byteCount: fragment.data.count)
        map.insert(units)
        datagrams[place].note(fragment, newUnits: units.count &- present)
        return datagrams[place].isWhole ? .whole : .taken
    }

    private func map(_ place: Int) -> UnitMap {
        UnitMap(words + place &* 2 &* wordCount, wordCount: wordCount)
    }
}

extension HeldDatagram {
    fileprivate mutating func note(_ fragment: Fragment, newUnits: Int) {
        unitsReceived &+= newUnits
        reach = max(reach, fragment.end)
        if fragment.isLast { end = fragment.end } else { openReach = max(openReach, fragment.end) }
        ecn |= 1 &<< fragment.ecn
    }
}
