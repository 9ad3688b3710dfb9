// SPDX-License-Identifier: Apache-2.0
import Graph
import Synchronization
import Testing
import Wire

@testable import IP

/// `test fib`: finds what is spoiled on purpose, and nothing else.
@Suite @ControlPlane struct ConsistencyTests {
    let lab: RouteLab

    init() throws {
        lab = try RouteLab()
        var labelled = lab.neighbor("10.2.0.2")
        labelled.labels = [100]
        labelled.backup = [lab.neighbor("10.1.0.9")]
        let red = try lab.fib.makeTable(named: "red")
        for number in 0..<300 {
            try lab.set(
                "20.\(number & 255).\(number >> 8).0/\(20 + number % 5)", lab.neighbor("10.0.0.\(2 + number % 9)"))
        }
        for number in 0..<300 { try lab.set("2001:db8:\(number)::/48", lab.via("30.0.0.\(number % 7)")) }
        try lab.set("30.0.0.0/8", lab.neighbor("10.0.0.2"), lab.neighbor("10.1.0.2"), labelled)
        try lab.set("31.0.0.0/30", labelled)
        try lab.set("32.0.0.0/8", lab.via("99.0.0.1"))
        try lab.set("0.0.0.0/0", Path(.table(.main)), in: red)
        try lab.set("33.0.0.0/8", lab.neighbor("10.0.0.2"), in: red, isCounted: true)
    }

    private func check() async -> ConsistencyReport {
        await ConsistencyCheck(lab.fib, samples: 500).run(lab.fib.tables)
    }

    /// What is found, which must all be about `words`.
    private func expect(_ words: String, sourceLocation: SourceLocation = #_sourceLocation) async {
        let report = await check()
        #expect(report.differenceCount > 0, sourceLocation: sourceLocation)
        for text in report.differences {
            #expect(text.contains(words), Comment(rawValue: text), sourceLocation: sourceLocation)
        }
    }

    @Test func nothingWrong() async throws {
        let report = await check()
        #expect(report.differences == [])
        #expect(report.vrfs == ["main", "red"])
        #expect(report.prefixes == lab.fib.tables.reduce(0) { $0 + $1.ip4.count + $1.ip6.count })
        #expect(report.lookups == 2 * report.prefixes + 4 * 500)
        #expect(report.pathLists == lab.fib.pathLists.count)
        #expect(report.adjacencies == lab.fib.adjacencies.count && report.paths == lab.fib.paths.count)
        lab.fail("10.0.0.2")
        lab.wan.isLinkUp = false
        while lab.fib.reprogramming.isBusy { lab.engine.step() }
        #expect(await check().differences == [])
    }

    /// One slot of what workers read.
    @Test func lookupSlot() async throws {
        let slots = UnsafeMutablePointer(mutating: lab.fib.main.ip4.reader.slots)
        slots[20 << 16 | 7 << 8].store(
            IPv4LookupTable.Slot.leaf(depth: 22, Forwarding.blackhole.rawValue), ordering: .relaxed)
        await expect("20.7.0.0 in main: workers find blackhole")
    }

    /// What the table was told of a prefix.
    @Test func lookupTable() async throws {
        try lab.fib.main.ip6.table.set(IPv6Prefix("2001:db8:7::/48")!, result: Forwarding.blackhole.rawValue)
        await expect("2001:db8:7:")
    }

    @Test func bucket() async throws {
        let store = lab.fib.pathLists.loadBalances
        let range = store.table.range(of: lab.lookup("30.0.0.1").index)
        store.table.buckets[Int(range.first) + 5] = Forwarding.blackhole.rawValue
        await expect("bucket 5")
    }

    @Test func pathRecord() async throws {
        lab.fib.paths.table[lab.fib.paths.indices[0]].labels.0 = 101
        await expect("path \(lab.fib.paths.indices[0]): it pushes other labels")
    }

    @Test func adjacencyRecord() async throws {
        let index = lab.adjacency("10.0.0.5")
        lab.fib.adjacencies.table[index].nextHop.low += 1
        await expect("adjacency \(index): it leads to 10.0.0.6")
        lab.fib.adjacencies.table[index].nextHop.low -= 1
        lab.fib.adjacencies.table[index].mtu = 9000
        await expect("adjacency \(index): its MTU is 9000")
        lab.fib.adjacencies.table[index].mtu = 1500
        lab.fib.adjacencies.table.setFailures(index, .link)
        #expect(await check().differences.contains("adjacency \(index): it says that lan is down"))
        lab.fib.adjacencies.table.setFailures(index, [])
        lab.fib.adjacencies.table.setLinkLost(index, true)
        let mark = "adjacency \(index): it says that the link of lan is lost, which it is not"
        #expect(await check().differences.contains(mark))
    }

    @Test func furtherChecks() async throws {
        lab.fib.addCheck("labels") { ["label 16 leads nowhere"] }
        await expect("labels: label 16 leads nowhere")
    }

    /// Routes change while the check runs: no difference is made of that.
    @Test func changesMeanwhile() async throws {
        let churn = Task { @ControlPlane in
            for round in 0..<200 {
                for number in 0..<50 {
                    let hop = lab.neighbor("10.1.0.\(2 + (round + number) % 20)")
                    try lab.set("40.\(number).0.0/\(12 + round % 10)", hop)
                }
                if round % 3 == 0 { lab.fail("10.0.0.2", round % 2 == 0) }
                lab.engine.step()
                await Task.yield()
            }
        }
        for _ in 0..<20 { #expect(await check().differences == []) }
        try await churn.value
        while lab.fib.reprogramming.isBusy { lab.engine.step() }
        #expect(await check().differences == [])
    }

    @Test func trieAgreesWithAList() {
        var trie = ReferenceTrie()
        var random = SplitMix(state: 7)
        var routes: [IPv6Prefix: UInt32] = [:]
        func address() -> IPv6Address {
            IPv6Address(
                high: UInt64.random(in: 0..<64, using: &random) << 58, low: UInt64.random(in: 0..<8, using: &random))
        }
        for number in 1...500 {
            let prefix = IPv6Prefix(
                address(), length: [0, 1, 3, 6, 63, 64, 65, 126, 127, 128].randomElement(using: &random)!)
            routes[prefix] = UInt32(number)
            trie.insert(prefix.address.high, prefix.address.low, length: prefix.length, UInt32(number))
            for _ in 0..<10 {
                let address = address()
                let best = routes.filter { $0.key.contains(address) }.max { $0.key.length < $1.key.length }
                #expect(trie.lookup(address.high, address.low) == best?.value ?? 0)
            }
        }
    }
}
