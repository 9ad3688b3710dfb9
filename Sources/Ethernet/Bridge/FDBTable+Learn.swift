// SPDX-License-Identifier: Apache-2.0
import Synchronization

// Writing: what any worker does when a frame came from a station.
extension FDBTable {
    /// What became of a station that a frame came from.
    enum Outcome: UInt8 {
        /// It was there already, as it should be.
        case known
        /// It was there, and has been heard of again.
        case refreshed
        case added
        /// It was on another port.
        case moved
        /// It is static on another port, where it stays.
        case fixed
        /// It has moved too often of late, and stays where it is.
        case held
        /// Not learned: the port, or the domain, has as many as it may.
        case portIsFull, domainIsFull
        /// Not learned: both its buckets are full.
        case noRoom
    }

    /// Whether the first bucket has the station as `expected` says, sequence aside: all that most frames need.
    @inline(__always)
    func isKnown(_ key: FDBKey, _ expected: FDBValue, in bucket: UInt32) -> Bool {
        for entry in 0..<FDBTable.entriesPerBucket
        where keyWord(bucket, entry).pointee.load(ordering: .relaxed) == key.rawValue {
            let value = valueWord(bucket, entry).pointee.load(ordering: .relaxed)
            return (value ^ expected.rawValue) & FDBValue.entryMask == 0
        }
        return false
    }

    /// Notes that a station is behind a port. Any worker.
    /// - Parameters:
    ///   - key: A station's; group addresses and zero are the caller's to refuse.
    ///   - stamp: Now.
    @inline(never)
    func learn(_ key: FDBKey, port: UInt32, stamp: UInt16) -> Outcome {
        let place = place(of: key)
        // A swap fails only because another worker's succeeded. After several of those that one's word is as good as ours.
        for _ in 0..<8 {
            let outcome =
                if let (word, old) = find(key, place) { update(key, word, old, port, stamp) } else {
                    insert(key, place, port, stamp)
                }
            if let outcome { return outcome }
        }
        return .known
    }

    /// The entry of a key, whether it counts or not: the one that counts, if there are several.
    func find(_ key: FDBKey, _ place: Place) -> (Word, FDBValue)? {
        var found: (Word, FDBValue)?
        for number in 0..<2 {
            let bucket = number == 0 ? place.first : place.second
            for entry in 0..<FDBTable.entriesPerBucket {
                let value = read(key, bucket, entry)
                guard value.port != 0 else { continue }
                if tally.isLive(value) { return (valueWord(bucket, entry), value) }
                found = (valueWord(bucket, entry), value)
            }
        }
        return found
    }

    /// Nil when somebody else changed the entry meanwhile.
    private func update(_ key: FDBKey, _ word: Word, _ old: FDBValue, _ port: UInt32, _ stamp: UInt16) -> Outcome? {
        if old.isStatic { return old.port == port ? .known : .fixed }
        let isLive = tally.isLive(old)
        if isLive, old.port == port {
            guard old.stamp != stamp else { return .known }
            let new = FDBValue(port: port, generation: old.generation, stamp: stamp)
            return swap(word, old, new.following(old.sequence)) ? .refreshed : nil
        }
        guard !isLive || damper.admits(key, stamp) else { return .held }
        switch tally.reserve(port, isMove: isLive) {
        case .portIsFull: return .portIsFull
        case .domainIsFull: return .domainIsFull
        case .generation(let generation):
            let new = FDBValue(port: port, generation: generation, stamp: stamp)
            guard swap(word, old, new.following(old.sequence)) else {
                tally.release(new)
                return nil
            }
            // What a flush made count for nothing is no longer counted.
            if isLive { tally.release(old) }
            return isLive ? .moved : .added
        }
    }

    private func insert(_ key: FDBKey, _ place: Place, _ port: UInt32, _ stamp: UInt16) -> Outcome? {
        guard let free = freeEntry(place) else { return .noRoom }
        switch tally.reserve(port, isMove: false) {
        case .portIsFull: return .portIsFull
        case .domainIsFull: return .domainIsFull
        case .generation(let generation):
            let new = FDBValue(port: port, generation: generation, stamp: stamp)
            guard put(key, new, at: free) else {
                tally.release(new)
                return nil
            }
            removeDuplicates(key, place)
            return .added
        }
    }

    /// A place that was seen to be free, and what was in it.
    struct FreeEntry {
        let bucket: UInt32
        let entry: Int
        let old: FDBValue
    }

    /// The first bucket while it has two entries at most, then the one that has fewer.
    func freeEntry(_ place: Place) -> FreeEntry? {
        let first = freeEntry(in: place.first)
        if first.count >= 2 { return first.entry }
        let second = freeEntry(in: place.second)
        return second.count > first.count ? second.entry : first.entry
    }

    private func freeEntry(in bucket: UInt32) -> (count: Int, entry: FreeEntry?) {
        var (count, free): (Int, FreeEntry?) = (0, nil)
        for entry in 0..<FDBTable.entriesPerBucket {
            let value = FDBValue(rawValue: valueWord(bucket, entry).pointee.load(ordering: .acquiring))
            guard !value.isBusy, !tally.isLive(value) else { continue }
            count &+= 1
            if free == nil { free = FreeEntry(bucket: bucket, entry: entry, old: value) }
        }
        return (count, free)
    }

    /// Takes a free place and puts an entry into it. False when somebody else has taken it.
    func put(_ key: FDBKey, _ value: FDBValue, at free: FreeEntry) -> Bool {
        let word = valueWord(free.bucket, free.entry)
        let sequence = free.old.sequence &+ 1
        guard swap(word, free.old, FDBValue(rawValue: FDBValue.busyBit).following(sequence)) else { return false }
        atomicMemoryFence(ordering: .releasing)
        keyWord(free.bucket, free.entry).pointee.store(key.rawValue, ordering: .relaxed)
        word.pointee.store(value.following(sequence).rawValue, ordering: .releasing)
        return true
    }

    /// Of several entries of a key only the first stays, a static one before others.
    func removeDuplicates(_ key: FDBKey, _ place: Place) {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        var kept: (word: Word, value: FDBValue)?
        for number in 0..<2 {
            let bucket = number == 0 ? place.first : place.second
            for entry in 0..<FDBTable.entriesPerBucket {
                let value = read(key, bucket, entry)
                guard tally.isLive(value) else { continue }
                let word = valueWord(bucket, entry)
                if let first = kept, value.isStatic, !first.value.isStatic {
                    remove(first.word, first.value)
                    kept = (word, value)
                } else if kept != nil {
                    remove(word, value)
                } else {
                    kept = (word, value)
                }
            }
        }
    }

    /// Frees a place and counts its station off. False when it has changed since `old` was read.
    @discardableResult
    func remove(_ word: Word, _ old: FDBValue) -> Bool {
        guard swap(word, old, FDBValue.none.following(old.sequence)) else { return false }
        tally.release(old)
        return true
    }

    @inline(__always)
    func swap(_ word: Word, _ old: FDBValue, _ new: FDBValue) -> Bool {
        word.pointee.compareExchange(
            expected: old.rawValue, desired: new.rawValue, ordering: .acquiringAndReleasing
        ).exchanged
    }
}
