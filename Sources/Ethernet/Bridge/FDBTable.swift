// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// The forwarding database of all bridge domains: which station is behind which bridge port. Every worker reads it and
/// learns into it, and none of them waits for another.
///
/// A bucket is a cache line with four entries, first their keys and then their values. A key has two buckets; a station
/// is put into the first as long as that has two entries at most, so in a table that is not nearly full one line
/// answers a lookup. With four places for each station that there may be, a key finds both buckets full less than once in a
/// thousand million.
///
/// A place belongs to whoever swaps its value word: from free to busy, then it writes the key, then the value. A reader takes
/// the value, the key and the value again, and believes them when the sequence in both values is the same. Two workers that
/// learn the same new station at once may put it into two places; each looks again after it has published its own,
/// and the place that a lookup would find second is freed. Entries never wander between places, so a lookup cannot
/// miss one that is there.
struct FDBTable: BitwiseCopyable, @unchecked Sendable {
    /// The two buckets of a key.
    struct Place: BitwiseCopyable {
        let first: UInt32
        let second: UInt32
    }

    typealias Word = UnsafeMutablePointer<Atomic<UInt64>>

    static let wordsPerBucket = 8
    static let entriesPerBucket = 4

    let tally: BridgeTally
    let damper = MoveDamper()
    let words: Word
    let bucketCount: Int
    /// Nobody outside can choose addresses that share a bucket.
    private let seed: UInt64
    private let shift: UInt64

    /// - Parameter capacity: Stations that it is to hold.
    init(capacity: Int, tally: BridgeTally) {
        self.tally = tally
        var bits: UInt64 = 4
        while 1 << bits < capacity { bits += 1 }
        bucketCount = 1 << bits
        shift = 64 - bits
        seed = .random(in: .min ... .max)
        let bytes = bucketCount * FDBTable.wordsPerBucket * 8
        guard let memory = CMartletLinux_mapAnonymous(bytes, 0) else {
            fatalError("no address space for the forwarding database of \(capacity) stations")
        }
        // Lines at random all over it: with small pages, address translation would cost as much as the lookup.
        madvise(memory, bytes, MADV_HUGEPAGE)
        words = memory.bindMemory(to: Atomic<UInt64>.self, capacity: bucketCount * FDBTable.wordsPerBucket)
    }

    func unmap() {
        munmap(words, byteCount)
        damper.unmap()
    }

    var byteCount: Int { bucketCount * FDBTable.wordsPerBucket * 8 }

    // MARK: - Places

    @inline(__always)
    func place(of key: FDBKey) -> Place {
        var hash = (key.rawValue ^ seed) &* 0x9e37_79b9_7f4a_7c15
        hash ^= hash &>> 32
        hash = hash &* 0xd6e8_feb8_6659_fd93
        let first = UInt32(truncatingIfNeeded: hash &>> shift)
        let second = UInt32(truncatingIfNeeded: hash) & UInt32(truncatingIfNeeded: bucketCount &- 1)
        return Place(first: first, second: second == first ? second ^ 1 : second)
    }

    @inline(__always)
    func prefetch(_ bucket: UInt32) { CMartletLinux_prefetch(words + Int(bucket) &* FDBTable.wordsPerBucket) }

    @inline(__always)
    func keyWord(_ bucket: UInt32, _ entry: Int) -> Word { words + (Int(bucket) &* FDBTable.wordsPerBucket &+ entry) }

    @inline(__always)
    func valueWord(_ bucket: UInt32, _ entry: Int) -> Word {
        words + (Int(bucket) &* FDBTable.wordsPerBucket &+ FDBTable.entriesPerBucket &+ entry)
    }

    // MARK: - Reading, any worker

    /// What a bucket says of a station; `.none` when nothing, or nothing that counts.
    @inline(__always)
    func lookUp(_ key: FDBKey, in bucket: UInt32) -> FDBValue {
        for entry in 0..<FDBTable.entriesPerBucket
        where keyWord(bucket, entry).pointee.load(ordering: .relaxed) == key.rawValue {
            let value = read(key, bucket, entry)
            if tally.isLive(value) { return value }
        }
        return .none
    }

    /// What there is of a station.
    func lookUp(_ key: FDBKey) -> FDBValue {
        let place = place(of: key)
        let value = lookUp(key, in: place.first)
        return value.port != 0 ? value : lookUp(key, in: place.second)
    }

    /// The value of an entry, if it is this key's; else `.none`.
    @inline(__always)
    func read(_ key: FDBKey, _ bucket: UInt32, _ entry: Int) -> FDBValue {
        let word = valueWord(bucket, entry)
        let value = FDBValue(rawValue: word.pointee.load(ordering: .acquiring))
        let found = keyWord(bucket, entry).pointee.load(ordering: .relaxed)
        atomicMemoryFence(ordering: .acquiring)
        let again = FDBValue(rawValue: word.pointee.load(ordering: .relaxed))
        guard found == key.rawValue, again.sequence == value.sequence else { return .none }
        return again
    }
}
