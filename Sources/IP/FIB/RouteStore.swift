// SPDX-License-Identifier: Apache-2.0
import Wire

/// Prefixes and their results, whether or not a longer one hides them.
///
/// One compact hash table per prefix length. An exact match is one probe; a longest match tries the lengths in use.
struct RouteStore<Prefix: RoutePrefix> {
    private var maps = (0...Prefix.maximumLength).map { Prefix.Map(length: $0) }
    /// The lengths of which there are routes, ascending.
    private var lengths: [Int] = []
    private(set) var count = 0

    /// Bytes allocated.
    var memoryBytes: Int {
        maps.reduce(maps.capacity * MemoryLayout<Prefix.Map>.stride) { $0 + $1.memoryBytes }
    }

    /// The result of exactly `prefix`.
    subscript(prefix: Prefix) -> UInt32? {
        maps[prefix.length][prefix.address]
    }

    /// Sets the result of `prefix` and gives the one it had. `UInt32.max` is not a result.
    @discardableResult
    mutating func set(_ prefix: Prefix, _ result: UInt32) -> UInt32? {
        let length = prefix.length
        let old = maps[length].set(prefix.address, result)
        guard old == nil else { return old }
        count += 1
        guard maps[length].count == 1 else { return nil }
        lengths.insert(length, at: lengths.firstIndex { $0 > length } ?? lengths.endIndex)
        return nil
    }

    /// Removes `prefix` and gives the result it had.
    @discardableResult
    mutating func remove(_ prefix: Prefix) -> UInt32? {
        guard let old = maps[prefix.length].remove(prefix.address) else { return nil }
        count -= 1
        if maps[prefix.length].count == 0 { lengths.removeAll { $0 == prefix.length } }
        return old
    }

    /// The longest prefix of at most `limit` bits that contains `address`.
    func longestMatch(_ address: Prefix.Address, upTo limit: Int = Prefix.maximumLength) -> Route<Prefix>? {
        for length in lengths.reversed() where length <= limit {
            let prefix = Prefix(address, length: length)
            if let result = maps[length][prefix.address] { return Route(prefix: prefix, result: result) }
        }
        return nil
    }

    /// The longest prefix that contains `prefix`, itself excepted.
    func cover(of prefix: Prefix) -> Route<Prefix>? {
        prefix.length > 0 ? longestMatch(prefix.address, upTo: prefix.length - 1) : nil
    }

    /// Calls `body` for every prefix that contains `address`, the longest first.
    func forEachCover(of address: Prefix.Address, _ body: (Prefix, UInt32) -> Void) {
        for length in lengths.reversed() {
            let prefix = Prefix(address, length: length)
            if let result = maps[length][prefix.address] { body(prefix, result) }
        }
    }

    // MARK: - All of them

    /// Where a walk in slices goes on.
    struct Cursor {
        fileprivate var length = 0
        fileprivate var hash: UInt64 = 0

        /// Begins at the beginning.
        init() {}
    }

    /// Calls `body` for the next routes from `cursor` on, unordered, and moves it; false at the end of the walk.
    ///
    /// The store may change between the calls: a route that is there throughout is visited once, one that comes or
    /// goes meanwhile at most once.
    /// - Parameter limit: How many; it may be some more or fewer.
    @discardableResult
    func forEach(from cursor: inout Cursor, limit: Int, _ body: (Prefix, UInt32) -> Void) -> Bool {
        var rest = limit
        while rest > 0, cursor.length <= Prefix.maximumLength {
            let length = cursor.length
            let isDone = maps[length].forEach(from: &cursor.hash, limit: rest) { address, result in
                rest -= 1
                body(Prefix(address, length: length), result)
            }
            if isDone { cursor.length = (lengths.first { $0 > length }) ?? Prefix.maximumLength + 1 }
        }
        return cursor.length <= Prefix.maximumLength
    }

    /// Calls `body` for every route, unordered.
    func forEach(_ body: (Prefix, UInt32) -> Void) {
        var cursor = Cursor()
        forEach(from: &cursor, limit: .max, body)
    }

    /// All routes in the order of their prefixes.
    var sorted: [Route<Prefix>] {
        var routes: [Route<Prefix>] = []
        routes.reserveCapacity(count)
        forEach { routes.append(Route(prefix: $0, result: $1)) }
        routes.sort { $0.prefix < $1.prefix }
        return routes
    }
}
