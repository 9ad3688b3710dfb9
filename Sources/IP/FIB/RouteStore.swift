// SPDX-License-Identifier: Apache-2.0
import Wire

/// The routes behind a lookup table: every prefix with its result, whether or not a longer one hides it.
///
/// One compact hash table per prefix length. An exact match is one probe; a longest match tries the lengths in use.
struct RouteStore {
    private var maps = [PrefixMap](repeating: PrefixMap(), count: 33)
    /// Bit n is set when there are routes of length n.
    private var lengths: UInt64 = 0
    private(set) var count = 0

    /// Bytes allocated.
    var memoryBytes: Int {
        maps.reduce(maps.capacity * MemoryLayout<PrefixMap>.stride) { $0 + $1.memoryBytes }
    }

    /// The result of exactly `prefix`.
    subscript(prefix: IPv4Prefix) -> UInt32? {
        maps[prefix.length][prefix.address.value]
    }

    /// Sets the result of `prefix` and gives the one it had.
    mutating func set(_ prefix: IPv4Prefix, _ result: UInt32) -> UInt32? {
        let old = maps[prefix.length].set(prefix.address.value, result)
        guard old == nil else { return old }
        count += 1
        lengths |= 1 << UInt64(prefix.length)
        return nil
    }

    /// Removes `prefix` and gives the result it had.
    mutating func remove(_ prefix: IPv4Prefix) -> UInt32? {
        guard let old = maps[prefix.length].remove(prefix.address.value) else { return nil }
        count -= 1
        if maps[prefix.length].count == 0 { lengths &= ~(1 << UInt64(prefix.length)) }
        return old
    }

    /// The longest prefix of at most `limit` bits that contains `address`.
    func longestMatch(_ address: IPv4Address, upTo limit: Int = 32) -> Route? {
        var candidates = lengths & (2 << UInt64(limit) - 1)
        while candidates != 0 {
            let length = 63 - candidates.leadingZeroBitCount
            let prefix = IPv4Prefix(address, length: length)
            if let result = self[prefix] { return Route(prefix: prefix, result: result) }
            candidates &= ~(1 << UInt64(length))
        }
        return nil
    }

    /// All routes, unordered, each in one number that sorts as its prefix: address, length, result.
    func packed() -> [UInt64] {
        var routes: [UInt64] = []
        routes.reserveCapacity(count)
        for (length, map) in maps.enumerated() {
            map.forEach { address, result in
                routes.append(UInt64(address) << 32 | UInt64(length) << 26 | UInt64(result))
            }
        }
        return routes
    }
}
