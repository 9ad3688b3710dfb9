// SPDX-License-Identifier: Apache-2.0
import Wire

/// The routes of one prefix length: from the prefix's address to a number.
public protocol PrefixMapping: Sendable {
    associatedtype Address

    /// An empty map for prefixes of this length.
    init(length: Int)
    var count: Int { get }
    /// Bytes allocated.
    var memoryBytes: Int { get }
    /// The value of `address`; nil if there is none.
    subscript(address: Address) -> UInt32? { get }
    /// Sets the value of `address` and gives the one it had. `UInt32.max` is not a value.
    mutating func set(_ address: Address, _ value: UInt32) -> UInt32?
    /// Removes `address` and gives the value it had.
    mutating func remove(_ address: Address) -> UInt32?
    /// Calls `body` with about `limit` addresses and their values, those whose hashes follow upon `start`, and moves
    /// `start` to where the next slice begins; true when there is none.
    func forEach(from start: inout UInt64, limit: Int, _ body: (Address, UInt32) -> Void) -> Bool
}

/// A place of a `PrefixMap`: an address and its value in as few bytes as they take, or vacant.
public protocol PrefixMapEntry: BitwiseCopyable, Sendable {
    associatedtype Address: Equatable

    static var vacant: Self { get }
    init(_ address: Address, _ value: UInt32)
    var address: Address { get }
    /// `UInt32.max` in a vacant place.
    var value: UInt32 { get }
    static func hash(_ address: Address, seed: UInt64) -> UInt64
}

/// A hash table with open addressing and linear probing.
///
/// Entries lie in the order of their hashes, each at its home or in the places behind it. So a scan may stop at a hash
/// and go on from there later: whatever was added, removed or moved meanwhile, also by growing, who stays is visited
/// once. Removal shifts later entries back: there are no tombstones, and a table with churn stays as fast as a fresh
/// one. The hash is seeded: who chooses prefixes cannot choose collisions.
public struct PrefixMap<Entry: PrefixMapEntry>: PrefixMapping {
    private var entries: [Entry] = []
    public private(set) var count = 0
    private let seed = UInt64.random(in: .min ... .max)

    private static var minimumCapacity: Int { 8 }

    public init(length: Int = 0) {}

    public var memoryBytes: Int { entries.capacity * MemoryLayout<Entry>.stride }

    public subscript(address: Entry.Address) -> UInt32? {
        guard count > 0 else { return nil }
        let value = entries[place(of: address)].value
        return value == .max ? nil : value
    }

    /// Puts a value in, not `UInt32.max`, and returns the one that was there.
    public mutating func set(_ address: Entry.Address, _ value: UInt32) -> UInt32? {
        precondition(value != .max, "UInt32.max marks vacant places")
        // At most three quarters full.
        if (count + 1) * 4 > entries.count * 3 { resize(max(entries.count * 2, Self.minimumCapacity)) }
        let place = place(of: address)
        let old = entries[place].value
        entries[place] = Entry(address, value)
        guard old == .max else { return old }
        count += 1
        return nil
    }

    /// Takes the value out and returns it; nil when there was none.
    public mutating func remove(_ address: Entry.Address) -> UInt32? {
        guard count > 0 else { return nil }
        var hole = place(of: address)
        let old = entries[hole].value
        guard old != .max else { return nil }
        let mask = entries.count - 1
        var next = (hole + 1) & mask
        while entries[next].value != .max {
            // An entry may move into the hole unless its home lies behind the hole.
            let home = home(of: hash(entries[next].address))
            if (next - home) & mask >= (next - hole) & mask {
                entries[hole] = entries[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        entries[hole] = Entry.vacant
        count -= 1
        if entries.count > Self.minimumCapacity, count * 8 < entries.count { resize(entries.count / 2) }
        return old
    }

    public func forEach(from start: inout UInt64, limit: Int, _ body: (Entry.Address, UInt32) -> Void) -> Bool {
        guard count > 0 else { return true }
        let mask = entries.count - 1
        // As many places as hold `limit` entries on the average.
        let places = max(1, limit.multipliedReportingOverflow(by: entries.count).partialValue / count)
        let first = home(of: start)
        let end = limit < count && first + places < entries.count ? first + places : entries.count
        let isLast = end == entries.count
        let last: UInt64 = isLast ? .max : UInt64(end) &<< shift &- 1
        var place = first
        // Beyond the end lie those that found their homes taken; a vacant place ends them.
        while place < end || entries[place & mask].value != .max {
            let entry = entries[place & mask]
            let hash = hash(entry.address)
            // Who found no place at the very end lies at the beginning, and is met when the walk comes round.
            let displacement = place - home(of: hash)
            if entry.value != .max, start...last ~= hash, 0...mask ~= displacement { body(entry.address, entry.value) }
            place += 1
        }
        start = last &+ 1
        return isLast
    }

    /// Where `address` is, or else the vacant place where it belongs.
    private func place(of address: Entry.Address) -> Int {
        let mask = entries.count - 1
        var place = home(of: hash(address))
        while entries[place].value != .max, entries[place].address != address {
            place = (place + 1) & mask
        }
        return place
    }

    private func hash(_ address: Entry.Address) -> UInt64 { Entry.hash(address, seed: seed) }

    private var shift: UInt64 { UInt64(64 - entries.count.trailingZeroBitCount) }
    private func home(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> shift) }

    private mutating func resize(_ capacity: Int) {
        let old = entries
        entries = [Entry](repeating: .vacant, count: capacity)
        for entry in old where entry.value != .max {
            entries[place(of: entry.address)] = entry
        }
    }
}

/// The halves of the product, mixed: every bit of the factor counts in every bit of the result.
private func mixed(_ factor: UInt64) -> UInt64 {
    let product = factor.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
}

// MARK: - IPv4

/// An IPv4 prefix of known length and its value: eight bytes.
public struct IPv4MapEntry: PrefixMapEntry {
    /// The address in the upper and the value in the lower half.
    private let packed: UInt64

    public static var vacant: Self { Self(IPv4Address(.max), .max) }

    public init(_ address: IPv4Address, _ value: UInt32) {
        packed = UInt64(address.value) << 32 | UInt64(value)
    }

    public var address: IPv4Address { IPv4Address(UInt32(truncatingIfNeeded: packed >> 32)) }
    public var value: UInt32 { UInt32(truncatingIfNeeded: packed) }

    public static func hash(_ address: IPv4Address, seed: UInt64) -> UInt64 {
        mixed(UInt64(address.value) ^ seed)
    }
}

// MARK: - IPv6

/// IPv6 prefixes of one length: those of up to 64 bits take 12 bytes each, longer ones 20.
public struct IPv6PrefixMap: PrefixMapping {
    private var short = PrefixMap<IPv6HalfMapEntry>()
    private var long = PrefixMap<IPv6MapEntry>()
    private let isLong: Bool

    public init(length: Int) { isLong = length > 64 }

    public var count: Int { isLong ? long.count : short.count }
    public var memoryBytes: Int { long.memoryBytes + short.memoryBytes }

    public subscript(address: IPv6Address) -> UInt32? { isLong ? long[address] : short[address.high] }

    public mutating func set(_ address: IPv6Address, _ value: UInt32) -> UInt32? {
        isLong ? long.set(address, value) : short.set(address.high, value)
    }

    public mutating func remove(_ address: IPv6Address) -> UInt32? {
        isLong ? long.remove(address) : short.remove(address.high)
    }

    public func forEach(from start: inout UInt64, limit: Int, _ body: (IPv6Address, UInt32) -> Void) -> Bool {
        guard !isLong else { return long.forEach(from: &start, limit: limit, body) }
        return short.forEach(from: &start, limit: limit) { body(IPv6Address(high: $0, low: 0), $1) }
    }
}

/// The upper half of an IPv6 prefix of known length and its value, in words of 32 bits: no padding.
public struct IPv6HalfMapEntry: PrefixMapEntry {
    private let upper: UInt32
    private let lower: UInt32
    public let value: UInt32

    public static var vacant: Self { Self(.max, .max) }

    public init(_ address: UInt64, _ value: UInt32) {
        upper = UInt32(truncatingIfNeeded: address >> 32)
        lower = UInt32(truncatingIfNeeded: address)
        self.value = value
    }

    public var address: UInt64 { UInt64(upper) << 32 | UInt64(lower) }

    public static func hash(_ address: UInt64, seed: UInt64) -> UInt64 { mixed(address ^ seed) }
}

/// An IPv6 prefix of known length and its value.
public struct IPv6MapEntry: PrefixMapEntry {
    private let high: IPv6HalfMapEntry
    private let upper: UInt32
    private let lower: UInt32

    public static var vacant: Self { Self(IPv6Address(high: .max, low: .max), .max) }

    public init(_ address: IPv6Address, _ value: UInt32) {
        high = IPv6HalfMapEntry(address.high, value)
        upper = UInt32(truncatingIfNeeded: address.low >> 32)
        lower = UInt32(truncatingIfNeeded: address.low)
    }

    public var address: IPv6Address {
        IPv6Address(high: high.address, low: UInt64(upper) << 32 | UInt64(lower))
    }
    public var value: UInt32 { high.value }

    public static func hash(_ address: IPv6Address, seed: UInt64) -> UInt64 {
        mixed(mixed(address.high ^ seed) ^ address.low)
    }
}
