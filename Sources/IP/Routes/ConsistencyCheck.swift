// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Compares what the control side means with what workers use, and repairs nothing.
///
/// Every programmed prefix, load-balance, path and adjacency is looked at, and addresses are looked up in the workers' table
/// against a trie that is made of the routes for the purpose. All of it goes in slices, between which routes may
/// change: what differs only because of that is not reported.
@ControlPlane
final class ConsistencyCheck {
    private let fib: FIB
    private let samples: Int
    private var report = ConsistencyReport()
    private let start = Clock.now

    /// Prefixes that are looked at in one turn of the control loop.
    private static let slice = 5000

    /// - Parameter samples: Random addresses to look up in each table and family.
    init(_ fib: FIB, samples: Int) {
        self.fib = fib
        self.samples = samples
    }

    func run(_ tables: [VRF]) async -> ConsistencyReport {
        for table in tables {
            report.vrfs.append(table.name)
            let reader = fib.readers[table.index.rawValue]
            await check(table.ip4, of: table, reader.ip4)
            await check(table.ip6, of: table, reader.ip6)
        }
        await checkPathLists()
        await checkRecords()
        for further in fib.furtherChecks {
            for text in await further.body() { differ("\(further.name): \(text)") }
            report.further.append(further.name)
        }
        report.seconds = Clock.seconds(Clock.now &- start)
        return report
    }

    private func differ(_ text: String) { report.add(text) }

    private func endSlice() async {
        report.slices += 1
        await Task.yield()
    }

    // MARK: - Prefixes

    private func check<Prefix: CheckedPrefix>(
        _ rib: RIB<Prefix>, of table: VRF, _ reader: Prefix.Lookup.Reader
    ) async {
        let generation = rib.generation
        var trie = ReferenceTrie()
        for source in RouteSource.allCases {
            var cursor = RouteStore<Prefix>.Cursor()
            var isMore = true
            while isMore {
                isMore = rib.forEach(of: source, from: &cursor, limit: ConsistencyCheck.slice) { prefix, list in
                    guard let list = self.inForce(prefix, list, source, rib) else { return }
                    let bits = prefix.address.checkedBits
                    trie.insert(bits.high, bits.low, length: prefix.length, list.forwarding.rawValue)
                    self.checkProgrammed(prefix, list, rib, table)
                }
                await endSlice()
            }
        }
        /// What workers find for an address, against the trie; where routes have changed since, against those of now.
        func look(_ address: Prefix.Address) {
            report.lookups += 1
            let found = Prefix.checkedLookup(address, reader)
            let bits = address.checkedBits
            if found == trie.lookup(bits.high, bits.low) { return }
            let live = rib.longestMatch(address).flatMap { fib.pathLists[$0.list]?.forwarding.rawValue } ?? 0
            if rib.generation != generation, found == live || fib.reprogramming.isBusy { return }
            let expected = rib.generation == generation ? trie.lookup(bits.high, bits.low) : live
            differ("\(address) in \(table.name): workers find \(name(found)), the routes say \(name(expected))")
        }
        var cursor = RouteTable<Prefix>.Cursor()
        var isMore = true
        while isMore {
            isMore = rib.forEachProgrammed(from: &cursor, limit: ConsistencyCheck.slice) { prefix, result in
                report.prefixes += 1
                look(prefix.address)
                look(prefix.last)
                if rib.active(prefix) == nil, !fib.reprogramming.isBusy {
                    differ("\(prefix) in \(table.name): the lookup table has it, and no route does")
                }
            }
            await endSlice()
        }
        for number in 0..<samples {
            look(Prefix.randomAddress())
            if number % ConsistencyCheck.slice == ConsistencyCheck.slice - 1 { await endSlice() }
        }
    }

    private func inForce<Prefix>(
        _ prefix: Prefix, _ list: PathListIndex, _ source: RouteSource, _ rib: RIB<Prefix>
    ) -> PathList? {
        guard let found = fib.pathLists[list] else {
            differ("\(prefix): the \(source.name) route's path-list \(list) does not exist")
            return nil
        }
        return rib.active(prefix)?.source == source ? found : nil
    }

    private func checkProgrammed<Prefix>(_ prefix: Prefix, _ list: PathList, _ rib: RIB<Prefix>, _ table: VRF) {
        let programmed = rib.programmed(prefix)
        if programmed == list.forwarding || fib.reprogramming.isBusy { return }
        let told = programmed.map { name($0.rawValue) } ?? "nothing"
        differ(
            "\(prefix) in \(table.name): the route says \(name(list.forwarding.rawValue)), the lookup table was told \(told)"
        )
    }

    private func name(_ result: UInt32) -> String {
        let forwarding = Forwarding(rawValue: result)
        return "\(forwarding.word) \(forwarding.index)"
    }

    // MARK: - What prefixes lead to

    private func checkPathLists() async {
        for (number, list) in fib.pathLists.all.enumerated() {
            if number % 1000 == 999 { await endSlice() }
            // It may have gone meanwhile.
            guard fib.pathLists[list.index] === list else { continue }
            report.pathLists += 1
            var resolution = PathResolution(of: list, fib)
            resolution.run()
            if resolution.members != list.members || resolution.state != list.state {
                differ(
                    "path-list \(list.index): it is \(list.state.rawValue) with other paths than its routes lead to now"
                )
            }
            if let loadBalance = list.loadBalance { checkBuckets(list, loadBalance) }
        }
    }

    private func checkBuckets(_ list: PathList, _ loadBalance: UInt32) {
        let expected = fib.pathLists.buckets(of: list, list.results)
        let found = fib.pathLists.loadBalances.results(of: loadBalance)
        report.buckets += found.count
        // Without room for all of them, but with none that does not work.
        if list.isShort, Set(found).isSubset(of: expected) { return }
        if expected.count != found.count {
            return differ(
                "load-balance \(loadBalance): it has \(found.count) buckets, and should have \(expected.count)")
        }
        for place in found.indices where found[place] != expected[place] {
            differ(
                "load-balance \(loadBalance) of path-list \(list.index), bucket \(place): it leads to "
                    + "\(name(found[place].rawValue)), and should to \(name(expected[place].rawValue))")
        }
    }

    private func checkRecords() async {
        for index in fib.paths.indices {
            report.paths += 1
            for text in fib.paths.differences(at: index) { differ("path \(index): \(text)") }
        }
        await endSlice()
        for index in fib.adjacencies.indices {
            report.adjacencies += 1
            for text in fib.adjacencies.differences(at: index, fib) { differ("adjacency \(index): \(text)") }
        }
        await endSlice()
    }
}

/// What there is to compare of a family.
protocol CheckedPrefix: RoutePrefix where Address: CheckedAddress {
    static func checkedLookup(_ address: Address, _ reader: Lookup.Reader) -> UInt32
    static func randomAddress() -> Address
}

protocol CheckedAddress {
    /// At the top of 128 bits.
    var checkedBits: (high: UInt64, low: UInt64) { get }
}

extension IPv4Address: CheckedAddress {
    var checkedBits: (high: UInt64, low: UInt64) { (UInt64(value) << 32, 0) }
}

extension IPv6Address: CheckedAddress {
    var checkedBits: (high: UInt64, low: UInt64) { (high, low) }
}

extension IPv4Prefix: CheckedPrefix {
    static func checkedLookup(_ address: IPv4Address, _ reader: IPv4LookupTable.Reader) -> UInt32 {
        reader.lookup(address.value)
    }

    static func randomAddress() -> IPv4Address { IPv4Address(UInt32.random(in: .min ... .max)) }
}

extension IPv6Prefix: CheckedPrefix {
    static func checkedLookup(_ address: IPv6Address, _ reader: IPv6LookupTable.Reader) -> UInt32 {
        reader.lookup(high: address.high, low: address.low)
    }

    /// Half of them where the Internet's addresses are.
    static func randomAddress() -> IPv6Address {
        let high = UInt64.random(in: .min ... .max)
        return IPv6Address(high: Bool.random() ? high : high >> 4 | 2 << 60, low: UInt64.random(in: .min ... .max))
    }
}
