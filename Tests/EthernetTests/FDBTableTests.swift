// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import Ethernet

/// A table with ports 1 to 4 in domain 1, and 5 in domain 2.
final class FDBFixture: Sendable {
    let tally = BridgeTally()
    let table: FDBTable

    init(capacity: Int = 1 << 12) {
        table = FDBTable(capacity: capacity, tally: tally)
        for port in UInt32(1)...5 {
            tally.assign(port, to: port == 5 ? 2 : 1)
            tally.setLimit(1 << 30, ofPort: port)
        }
        for domain in UInt16(1)...2 { tally.setLimit(1 << 30, ofDomain: domain) }
    }

    deinit {
        table.unmap()
        tally.unmap()
    }

    func key(_ number: Int, domain: UInt16 = 1) -> FDBKey { FDBKey(UInt64(number) << 8 | 2, domain: domain) }

    /// Every key once, every place consistent with the counts.
    func check(_ sourceLocation: SourceLocation = #_sourceLocation) {
        let entries = table.entries
        #expect(Set(entries.map(\.key)).count == entries.count, sourceLocation: sourceLocation)
        for port in UInt32(1)...5 {
            let there = entries.count { $0.value.port == port && !$0.value.isStatic }
            #expect(tally.count(ofPort: port) == there, "port \(port)", sourceLocation: sourceLocation)
        }
        for domain in UInt16(1)...2 {
            let there = entries.count { $0.key.domain == domain && !$0.value.isStatic }
            #expect(tally.count(ofDomain: domain) == there, "domain \(domain)", sourceLocation: sourceLocation)
        }
    }
}

/// What one worker alone sees of the forwarding database.
@Suite struct FDBTableTests {
    private let lab = FDBFixture()
    private var table: FDBTable { lab.table }

    @Test func `a station is learned, heard of again, and moves`() {
        let key = lab.key(1)
        #expect(table.lookUp(key) == .none)
        #expect(table.learn(key, port: 1, stamp: 10) == .added)
        #expect(table.learn(key, port: 1, stamp: 10) == .known)
        #expect(table.learn(key, port: 1, stamp: 11) == .refreshed)
        #expect(table.lookUp(key).port == 1 && table.lookUp(key).stamp == 11)
        #expect(table.learn(key, port: 2, stamp: 11) == .moved)
        #expect(table.lookUp(key).port == 2)
        lab.check()
    }

    @Test func `the same address in another domain is another station`() {
        _ = table.learn(lab.key(1), port: 1, stamp: 0)
        #expect(table.lookUp(lab.key(1, domain: 2)) == .none)
        #expect(table.learn(lab.key(1, domain: 2), port: 5, stamp: 0) == .added)
        #expect(table.lookUp(lab.key(1)).port == 1)
        lab.check()
    }

    @Test func `traffic does not move static stations, nor are they counted`() {
        let key = lab.key(1)
        _ = table.learn(key, port: 1, stamp: 0)
        #expect(table.setStatic(key, port: 2))
        #expect(table.learn(key, port: 1, stamp: 0) == .fixed)
        #expect(table.learn(key, port: 2, stamp: 0) == .known)
        lab.tally.flush(2)
        #expect(table.lookUp(key).port == 2 && lab.tally.count(ofDomain: 1) == 0)
        #expect(table.remove(key))
        #expect(!table.remove(key))
        #expect(table.lookUp(key) == .none)
        lab.check()
    }

    @Test func `a flush of a port is of that port alone, and its stations may come again`() {
        for number in 0..<100 { _ = table.learn(lab.key(number), port: UInt32(number % 2 + 1), stamp: 0) }
        #expect(lab.tally.flush(1) == 50)
        #expect(table.entries.count == 50 && lab.tally.count(ofDomain: 1) == 50)
        #expect(table.learn(lab.key(0), port: 1, stamp: 0) == .added)
        #expect(table.learn(lab.key(2), port: 2, stamp: 0) == .added)
        #expect(table.lookUp(lab.key(4)) == .none)
        lab.check()
    }

    @Test func `limits of a port and of a domain`() {
        lab.tally.setLimit(2, ofPort: 1)
        lab.tally.setLimit(3, ofDomain: 1)
        #expect(table.learn(lab.key(1), port: 1, stamp: 0) == .added)
        #expect(table.learn(lab.key(2), port: 1, stamp: 0) == .added)
        #expect(table.learn(lab.key(3), port: 1, stamp: 0) == .portIsFull)
        #expect(table.learn(lab.key(3), port: 2, stamp: 0) == .added)
        #expect(table.learn(lab.key(4), port: 2, stamp: 0) == .domainIsFull)
        // A move needs no new place in the domain, but one on the port.
        #expect(table.learn(lab.key(1), port: 2, stamp: 0) == .moved)
        #expect(table.learn(lab.key(1), port: 1, stamp: 0) == .moved)
        #expect(table.learn(lab.key(3), port: 1, stamp: 0) == .portIsFull)
        // What a flush forgets makes room at once.
        lab.tally.flush(1)
        #expect(table.learn(lab.key(4), port: 1, stamp: 0) == .added)
        lab.check()
    }

    @Test func `stations that were silent for too long are forgotten, across the stamp's wrap`() {
        _ = table.learn(lab.key(1), port: 1, stamp: 65_530)
        _ = table.learn(lab.key(2), port: 1, stamp: 65_535)
        _ = table.learn(lab.key(1, domain: 2), port: 5, stamp: 65_530)
        #expect(table.setStatic(lab.key(4), port: 1))
        let all = 0..<table.bucketCount
        #expect(table.sweep(all, stamp: 4) { $0 == 1 ? 10 : nil } == 0)
        #expect(table.sweep(all, stamp: 5) { $0 == 1 ? 10 : nil } == 1)
        // A worker's clock may be one ahead.
        #expect(table.sweep(all, stamp: 65_534) { $0 == 1 ? 0 : nil } == 0)
        #expect(Set(table.entries.map(\.key)) == [lab.key(2), lab.key(4), lab.key(1, domain: 2)])
        lab.check()
    }

    @Test func `a sweep frees what a flush left behind`() {
        for number in 0..<64 { _ = table.learn(lab.key(number), port: 1, stamp: 0) }
        lab.tally.flush(1)
        #expect(table.sweep(0..<table.bucketCount, stamp: 0) { _ in nil } == 0)
        for bucket in 0..<UInt32(table.bucketCount) {
            for entry in 0..<FDBTable.entriesPerBucket {
                #expect(FDBValue(rawValue: table.valueWord(bucket, entry).pointee.load(ordering: .relaxed)).port == 0)
            }
        }
        // The generation came round: nothing that it once had may come back.
        for _ in 0..<65_536 { lab.tally.flush(1) }
        #expect(table.entries.isEmpty)
        lab.check()
    }

    @Test func `as many stations as the table was made for, every one`() {
        let lab = FDBFixture(capacity: 1 << 16)
        for number in 0..<1 << 16 {
            #expect(lab.table.learn(lab.key(number), port: UInt32(number % 4 + 1), stamp: 0) == .added)
        }
        for number in 0..<1 << 16 { #expect(lab.table.lookUp(lab.key(number)).port == UInt32(number % 4 + 1)) }
        lab.check()
    }

    @Test func `more stations than there are places: those that fit are kept, the others refused`() {
        let lab = FDBFixture(capacity: 16)
        var refused = 0
        for number in 0..<200 {
            let outcome = lab.table.learn(lab.key(number), port: 1, stamp: 0)
            if outcome == .noRoom { refused += 1 } else { #expect(outcome == .added) }
            #expect((lab.table.lookUp(lab.key(number)) == .none) == (outcome == .noRoom))
        }
        #expect(refused >= 200 - 64 && lab.table.entries.count == 200 - refused)
        lab.check()
    }

    @Test func `what a bucket's first look knows`() {
        let key = lab.key(7)
        _ = table.learn(key, port: 3, stamp: 9)
        let expected = FDBValue(port: 3, generation: lab.tally.generation(of: 3), stamp: 9)
        let place = table.place(of: key)
        #expect(table.isKnown(key, expected, in: place.first))
        #expect(!table.isKnown(key, FDBValue(port: 3, generation: 0, stamp: 8), in: place.first))
        #expect(!table.isKnown(key, FDBValue(port: 2, generation: 0, stamp: 9), in: place.first))
        lab.tally.flush(3)
        let flushed = FDBValue(port: 3, generation: lab.tally.generation(of: 3), stamp: 9)
        #expect(!table.isKnown(key, flushed, in: place.first))
    }
}
