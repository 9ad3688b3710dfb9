// SPDX-License-Identifier: Apache-2.0
import Synchronization

// What the control side does with the forwarding database while workers read it and learn into it.
extension FDBTable {
    /// One station.
    struct Entry: Equatable {
        let key: FDBKey
        let value: FDBValue
    }

    /// Binds a station to a port, whatever traffic says.
    /// - Returns: False when both its buckets are full.
    func setStatic(_ key: FDBKey, port: UInt32) -> Bool {
        let place = place(of: key)
        let new = FDBValue(port: port, generation: 0, stamp: 0, isStatic: true)
        while true {
            if let (word, old) = find(key, place) {
                // Before the swap, whether it was counted: afterwards the word says nothing of it.
                let isCounted = tally.isLive(old)
                guard swap(word, old, new.following(old.sequence)) else { continue }
                if isCounted { tally.release(old) }
            } else {
                guard let free = freeEntry(place) else { return false }
                guard put(key, new, at: free) else { continue }
            }
            removeDuplicates(key, place)
            return true
        }
    }

    /// Forgets a station, also a static one.
    /// - Returns: Whether it was there.
    @discardableResult
    func remove(_ key: FDBKey) -> Bool {
        let place = place(of: key)
        var wasThere = false
        while let (word, old) = find(key, place) {
            guard remove(word, old) else { continue }
            wasThere = wasThere || old.isStatic || tally.isLive(old)
        }
        return wasThere
    }

    /// Frees the places in some of the buckets of what no longer counts, and of stations that were silent for too long.
    /// - Parameters:
    ///   - buckets: Numbers from 0 to less than `bucketCount`.
    ///   - stamp: Now.
    ///   - age: How long the stations of a domain may be silent, in units of ``FDBStamp``; nil for ever.
    /// - Returns: How many stations were forgotten for their silence.
    func sweep(_ buckets: Range<Int>, stamp: UInt16, age: (UInt16) -> UInt16?) -> Int {
        var aged = 0
        for bucket in buckets {
            for entry in 0..<FDBTable.entriesPerBucket {
                let word = valueWord(UInt32(bucket), entry)
                let value = FDBValue(rawValue: word.pointee.load(ordering: .acquiring))
                guard value.port != 0, !value.isStatic else { continue }
                guard tally.isLive(value) else {
                    remove(word, value)
                    continue
                }
                let key = FDBKey(rawValue: keyWord(UInt32(bucket), entry).pointee.load(ordering: .relaxed))
                // A worker's clock may be a little ahead of this one.
                let silence = Int16(bitPattern: stamp &- value.stamp) == -1 ? 0 : stamp &- value.stamp
                guard let age = age(key.domain), silence > age else { continue }
                // If the key was another's, the value has changed, too, and stays.
                if remove(word, value) { aged += 1 }
            }
        }
        return aged
    }

    /// Calls `body` with each station in some of the buckets that counts.
    func forEach(_ buckets: Range<Int>, _ body: (Entry) -> Void) {
        for bucket in buckets {
            for entry in 0..<FDBTable.entriesPerBucket {
                let key = FDBKey(rawValue: keyWord(UInt32(bucket), entry).pointee.load(ordering: .relaxed))
                let value = read(key, UInt32(bucket), entry)
                if tally.isLive(value) { body(Entry(key: key, value: value)) }
            }
        }
    }

    /// All stations at about this moment.
    var entries: [Entry] {
        var found: [Entry] = []
        forEach(0..<bucketCount) { found.append($0) }
        return found
    }
}
