// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging

/// Goes round the forwarding database in slices of the control side's time: frees the places of stations that were
/// silent for too long, or that a flush made count for nothing.
@ControlPlane
struct BridgeSweeper {
    /// Milliseconds between two slices of a round.
    private static let pause = 4
    /// Milliseconds between two rounds: how late a silent station may be forgotten.
    private static let interval = 1000
    /// Buckets between two looks at the clock.
    private static let step = 1024
    /// A port's generation comes round after 65,536 flushes: long before, all that they left behind is gone.
    private static let mostFlushes = 1 << 14

    private var next = 0
    private var flushes = 0
    private var flushesAtBegin = 0
    private var isStarted = false

    nonisolated init() {}

    /// A port was flushed.
    mutating func noteFlush(_ store: BridgeStore) {
        flushes += 1
        guard flushes >= BridgeSweeper.mostFlushes else { return }
        // Rather a few milliseconds now than an old entry that is taken for a new one.
        _ = BridgeSweeper.sweep(0..<store.fdb.bucketCount, store)
        (next, flushes, flushesAtBegin) = (0, 0, 0)
    }

    /// Begins to go round, once there is a domain.
    mutating func start(_ store: BridgeStore) {
        guard !isStarted else { return }
        isStarted = true
        BridgeSweeper.goOn(store, after: BridgeSweeper.interval)
    }

    private static func goOn(_ store: BridgeStore, after milliseconds: Int) {
        store.engine.timers.after(milliseconds: milliseconds) { [weak store] in
            guard let store else { return }
            let isDone = store.sweeper.slice(store)
            if isDone { store.raiseAlarms() }
            goOn(store, after: isDone ? interval : pause)
        }
    }

    /// Does a slice's worth, and says whether that was the round's last.
    private mutating func slice(_ store: BridgeStore) -> Bool {
        if next == 0 {
            flushesAtBegin = flushes
            // Nothing was learned, nothing is left behind: the table's memory is not even touched.
            guard flushes > 0 || store.domains.contains(where: { store.tally.count(ofDomain: $0.number) > 0 }) else {
                return true
            }
        }
        let slice = ControlSlice()
        while next < store.fdb.bucketCount {
            guard !slice.isOver else { return false }
            let end = min(next + BridgeSweeper.step, store.fdb.bucketCount)
            BridgeSweeper.sweep(next..<end, store)
            next = end
        }
        next = 0
        // What was flushed meanwhile is for the next round.
        flushes -= flushesAtBegin
        return true
    }

    @discardableResult
    private static func sweep(_ buckets: Range<Int>, _ store: BridgeStore) -> Int {
        let ages = store.ages
        return store.fdb.sweep(buckets, stamp: FDBStamp.now) { ages[Int($0)] }
    }
}

extension BridgeStore {
    /// How long stations may be silent, by domain number.
    fileprivate var ages: [UInt16?] {
        [nil] + domains.map { $0.aging == 0 ? nil : FDBStamp.units(seconds: $0.aging) }
    }

    /// Tells the log of stations that were not learned, once a round at most.
    fileprivate func raiseAlarms() {
        let now = total
        defer { lastCounts = now }
        if now.portFull != lastCounts.portFull || now.domainFull != lastCounts.domainFull {
            for domain in domains { warn(domain) }
        }
        if now.noRoom != lastCounts.noRoom {
            engine.log.warning(
                "bridges: \(now.noRoom - lastCounts.noRoom) frames came from stations for which the table has no room")
        }
    }

    private func warn(_ domain: BridgeDomain) {
        if tally.count(ofDomain: domain.number) >= domain.limit {
            engine.log.warning("bridge \(domain.name) has as many stations as it may: \(domain.limit)")
        }
        for member in domain.members {
            guard let limit = member.limit, tally.count(ofPort: member.port) >= limit else { continue }
            engine.log.warning(
                "\(member.interface.name) has as many stations as it may in bridge \(domain.name): \(limit)")
        }
    }
}
