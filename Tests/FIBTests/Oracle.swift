// SPDX-License-Identifier: Apache-2.0
import IP
import Wire

/// Longest-prefix match in the plainest way: a list of routes and a look at each.
struct Oracle<Prefix: RoutePrefix> {
    var routes: [Route<Prefix>] = []

    mutating func set(_ prefix: Prefix, _ result: UInt32) {
        remove(prefix)
        routes.append(Route(prefix: prefix, result: result))
    }

    mutating func remove(_ prefix: Prefix) {
        routes.removeAll { $0.prefix == prefix }
    }

    func match(_ address: Prefix.Address) -> Route<Prefix>? {
        routes.filter { $0.prefix.contains(address) }.max { $0.prefix.length < $1.prefix.length }
    }
}

/// A prefix whose table can be asked, whatever the family.
protocol LookedUpPrefix: RoutePrefix {
    static func lookup(_ address: Address, in reader: Lookup.Reader) -> UInt32
    /// At most 256 addresses, as a node asks for those of a frame.
    static func lookup(_ addresses: [Address], in reader: Lookup.Reader) -> [UInt32]
}

extension IPv4Prefix: LookedUpPrefix {
    static func lookup(_ address: IPv4Address, in reader: IPv4LookupTable.Reader) -> UInt32 {
        reader.lookup(address.value)
    }

    static func lookup(_ addresses: [IPv4Address], in reader: IPv4LookupTable.Reader) -> [UInt32] {
        addresses.map { reader.lookup($0.value) }
    }
}

extension IPv6Prefix: LookedUpPrefix {
    static func lookup(_ address: IPv6Address, in reader: IPv6LookupTable.Reader) -> UInt32 {
        reader.lookup(high: address.high, low: address.low)
    }

    static func lookup(_ addresses: [IPv6Address], in reader: IPv6LookupTable.Reader) -> [UInt32] {
        var results = [UInt32](repeating: .max, count: addresses.count)
        var scratch = IPv6LookupTable.Reader.Scratch()
        reader.lookup(addresses, count: addresses.count, into: &results, &scratch)
        return results
    }
}

/// The first of `addresses` for which table and oracle differ, in words; nil when they agree on all.
func mismatch<Prefix: LookedUpPrefix>(
    _ table: RouteTable<Prefix>, _ oracle: Oracle<Prefix>, _ addresses: some Sequence<Prefix.Address>
) -> String? {
    for address in addresses {
        let expected = oracle.match(address)
        let looked = Prefix.lookup(address, in: table.reader)
        if looked != expected?.result ?? 0 {
            return "\(address): lookup gave \(looked), expected \(expected.map { "\($0)" } ?? "0")"
        }
        if table.longestMatch(address) != expected {
            return "\(address): longest match \(table.longestMatch(address) as Any), expected \(expected as Any)"
        }
    }
    return nil
}

/// Addresses at which a change of `prefix` shows: its first and last, their neighbours outside, and one inside.
func edges(of prefix: IPv4Prefix, _ random: inout Random) -> [IPv4Address] {
    let first = prefix.address.value
    let last = prefix.last.value
    let inside = UInt32.random(in: first...last, using: &random)
    return [first &- 1, first, inside, last, last &+ 1].map { IPv4Address($0) }
}

func edges(of prefix: IPv6Prefix, _ random: inout Random) -> [IPv6Address] {
    let (first, last) = (prefix.address, prefix.last)
    let before = IPv6Address(high: first.high &- (first.low == 0 ? 1 : 0), low: first.low &- 1)
    let after = IPv6Address(high: last.high &+ (last.low == .max ? 1 : 0), low: last.low &+ 1)
    let host = IPv6Address(high: first.high ^ last.high, low: first.low ^ last.low)
    let inside = IPv6Address(high: first.high | random.next() & host.high, low: first.low | random.next() & host.low)
    return [before, first, inside, last, after]
}

/// SplitMix64: the same numbers in every run.
struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// The prefix of a text that is known to be one.
func net(_ text: String) -> IPv4Prefix {
    try! IPv4Prefix(parsing: text)
}

func net6(_ text: String) -> IPv6Prefix {
    try! IPv6Prefix(parsing: text)
}

func host6(_ text: String) -> IPv6Address {
    try! IPv6Address(parsing: text)
}

/// The address of a text that is known to be one.
func host(_ text: String) -> IPv4Address {
    try! IPv4Address(parsing: text)
}
