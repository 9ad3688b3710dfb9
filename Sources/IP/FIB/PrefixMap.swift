// SPDX-License-Identifier: Apache-2.0

/// The routes of one prefix length: a hash table from the prefix to a number, eight bytes an entry.
///
/// Open addressing with linear probing; removal shifts later entries back, so there are no tombstones and a table with
/// churn stays as fast as a fresh one. The hash is seeded: who chooses prefixes cannot choose collisions.
struct PrefixMap {
    /// The prefix in the upper and its value in the lower half; `vacant` when there is none.
    private var entries: [UInt64] = []
    private(set) var count = 0
    private let seed = UInt64.random(in: .min ... .max)

    private static let vacant = UInt64.max
    private static let minimumCapacity = 8

    /// Bytes allocated.
    var memoryBytes: Int { entries.capacity * MemoryLayout<UInt64>.stride }

    /// The value of `key`; nil if there is none.
    subscript(key: UInt32) -> UInt32? {
        guard count > 0 else { return nil }
        let entry = entries[place(of: key)]
        return entry == Self.vacant ? nil : UInt32(truncatingIfNeeded: entry)
    }

    /// Sets the value of `key` and gives the one it had. `UInt32.max` is not a value.
    mutating func set(_ key: UInt32, _ value: UInt32) -> UInt32? {
        precondition(value != .max, "UInt32.max marks vacant places")
        // At most three quarters full.
        if (count + 1) * 4 > entries.count * 3 { resize(max(entries.count * 2, Self.minimumCapacity)) }
        let place = place(of: key)
        let old = entries[place]
        entries[place] = UInt64(key) << 32 | UInt64(value)
        guard old == Self.vacant else { return UInt32(truncatingIfNeeded: old) }
        count += 1
        return nil
    }

    /// Removes `key` and gives the value it had.
    mutating func remove(_ key: UInt32) -> UInt32? {
        guard count > 0 else { return nil }
        var hole = place(of: key)
        let old = entries[hole]
        guard old != Self.vacant else { return nil }
        let mask = entries.count - 1
        var next = (hole + 1) & mask
        while entries[next] != Self.vacant {
            // An entry may move into the hole unless its home lies behind the hole.
            let home = home(of: UInt32(truncatingIfNeeded: entries[next] >> 32))
            if (next - home) & mask >= (next - hole) & mask {
                entries[hole] = entries[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        entries[hole] = Self.vacant
        count -= 1
        if entries.count > Self.minimumCapacity, count * 8 < entries.count { resize(entries.count / 2) }
        return UInt32(truncatingIfNeeded: old)
    }

    /// Makes room for `number` entries in all.
    mutating func reserve(_ number: Int) {
        var capacity = max(entries.count, Self.minimumCapacity)
        while number * 4 > capacity * 3 { capacity *= 2 }
        if capacity > entries.count { resize(capacity) }
    }

    /// Calls `body` with every key and value, in no order.
    func forEach(_ body: (UInt32, UInt32) -> Void) {
        for entry in entries where entry != Self.vacant {
            body(UInt32(truncatingIfNeeded: entry >> 32), UInt32(truncatingIfNeeded: entry))
        }
    }

    /// Where `key` is, or else the vacant place where it belongs.
    private func place(of key: UInt32) -> Int {
        let mask = entries.count - 1
        var place = home(of: key)
        while entries[place] != Self.vacant, UInt32(truncatingIfNeeded: entries[place] >> 32) != key {
            place = (place + 1) & mask
        }
        return place
    }

    private func home(of key: UInt32) -> Int {
        let product = (UInt64(key) ^ seed).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return Int(truncatingIfNeeded: product.high ^ product.low) & (entries.count - 1)
    }

    private mutating func resize(_ capacity: Int) {
        let old = entries
        entries = [UInt64](repeating: Self.vacant, count: capacity)
        for entry in old where entry != Self.vacant {
            entries[place(of: UInt32(truncatingIfNeeded: entry >> 32))] = entry
        }
    }
}
