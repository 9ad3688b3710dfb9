// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// A datagram of which not all fragments have come, in a buffer of its own.
///
/// The data of each fragment is copied to its place at once, so that a datagram takes one buffer however many fragments it
/// comes in. In front of it, in the buffer's headroom, stand the headers of the first fragment, or, until that comes, of
/// another one.
struct HeldDatagram: BitwiseCopyable {
    /// The headers in front of the data have this much of the headroom at most, and the link's as much again: more is left
    /// for headers to be pushed than any node needs.
    static let longestHeaders = 128
    private static let longestLinkHeaders = 64

    let key: DatagramKey
    /// In ticks of `Clock`.
    let deadline: UInt64
    let buffer: BufferIndex
    /// Why nothing of the datagram is used, whatever comes; it has no buffer then.
    var refusal: FragmentDrop?
    /// Bytes of data in all; 0 as long as the last fragment is missing.
    var end = 0
    /// Where the data that reaches furthest ends, and that which others must follow.
    var reach = 0
    var openReach = 0
    /// Of eight bytes each; the last may be shorter.
    var unitsReceived = 0
    var headerLength = 0
    var hasFirst = false
    /// One bit for each value that a fragment had.
    var ecn: UInt8 = 0

    init(key: DatagramKey, deadline: UInt64, buffer: BufferIndex) {
        self.key = key
        self.deadline = deadline
        self.buffer = buffer
    }

    var isWhole: Bool { end > 0 && unitsReceived == (end &+ 7) / 8 }

    /// A router on the way was congested, and no fragment was of those that must not be told (RFC 3168 section 5.3).
    var isCongested: Bool { ecn & 0b1001 == 0b1000 }

    /// Puts the fragment's headers, those of the link too, in front of the data, with what the engine knows of its packet.
    mutating func takeHeaders(of fragment: Fragment, _ packet: Packet, into held: Packet) {
        let data = held.header.data + headerLength
        headerLength = fragment.headerLength
        hasFirst = fragment.offset == 0
        let link = packet.header.data - packet.header.start
        let kept = link >= 0 && link <= HeldDatagram.longestLinkHeaders ? link : 0
        held.header.data = data - headerLength
        held.header.start = held.header.data - kept
        held.header.start.copyMemory(from: packet.header.data - kept, byteCount: kept &+ headerLength)
        held.truncate(to: headerLength &+ (hasFirst ? fragment.data.count : 0))
        held.header.flags = packet.header.flags.subtracting(.traced)
        held.header.rxInterface = packet.header.rxInterface
        held.header.txInterface = packet.header.txInterface
        held.header.adjacency = packet.header.adjacency
        held.header.flowHash = packet.header.flowHash
    }

    /// Whether the fragment and those before it cannot be of one datagram, by where it ends.
    func contradicts(_ fragment: Fragment) -> Bool {
        fragment.isLast
            ? (end > 0 && end != fragment.end) || reach > fragment.end || openReach >= fragment.end
            : end > 0 && fragment.end >= end
    }
}

/// Which units of a datagram have come, and at which of them fragments began.
struct UnitMap: BitwiseCopyable {
    /// First the received units, a bit each, then the beginnings.
    private let words: UnsafeMutablePointer<UInt64>
    private let wordCount: Int

    init(_ words: UnsafeMutablePointer<UInt64>, wordCount: Int) {
        self.words = words
        self.wordCount = wordCount
    }

    static func wordCount(capacity: Int) -> Int { capacity / 512 &+ 1 }

    func clear() { words.update(repeating: 0, count: 2 &* wordCount) }

    /// How many of the units are there.
    func count(_ units: Range<Int>) -> Int {
        var count = 0
        for word in units.lowerBound >> 6...(units.upperBound &- 1) >> 6 {
            count &+= (words[word] & mask(word, units)).nonzeroBitCount
        }
        return count
    }

    func insert(_ units: Range<Int>) {
        for word in units.lowerBound >> 6...(units.upperBound &- 1) >> 6 { words[word] |= mask(word, units) }
        begins(units.lowerBound >> 6).pointee |= 1 &<< UInt64(units.lowerBound & 63)
    }

    /// Whether units that are all there came as one fragment, neither more nor less.
    func isOneFragment(_ units: Range<Int>) -> Bool {
        var beginnings = 0
        for word in units.lowerBound >> 6...(units.upperBound &- 1) >> 6 {
            beginnings &+= (begins(word).pointee & mask(word, units)).nonzeroBitCount
        }
        guard beginnings == 1, isSet(begins(units.lowerBound >> 6).pointee, units.lowerBound) else { return false }
        let next = units.upperBound
        guard next < wordCount &<< 6, isSet(words[next >> 6], next) else { return true }
        return isSet(begins(next >> 6).pointee, next)
    }

    private func begins(_ word: Int) -> UnsafeMutablePointer<UInt64> { words + wordCount + word }

    private func isSet(_ word: UInt64, _ unit: Int) -> Bool { word &>> UInt64(unit & 63) & 1 == 1 }

    /// The bits of a word that are for units in the range.
    private func mask(_ word: Int, _ units: Range<Int>) -> UInt64 {
        var mask = UInt64.max
        if word == units.lowerBound >> 6 { mask &<<= UInt64(units.lowerBound & 63) }
        if word == (units.upperBound &- 1) >> 6 { mask &= UInt64.max &>> UInt64(63 &- (units.upperBound &- 1) & 63) }
        return mask
    }
}
