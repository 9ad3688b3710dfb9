// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Chooses again, prefix by prefix, where paths have become usable or unusable: what takes time in proportion to the
/// number of prefixes, and what therefore is not what repairs a failure.
///
/// First come the prefixes that next hops lie in: by these whole path-lists move, and they are found by the next hops,
/// however many routes there are. Then each priority has a sweep over all routes for those that are concerned, the first
/// priority's first. All of it goes in slices (`ControlSlice`), so that the control side hears of the next failure meanwhile. A sweep keeps nothing for each
/// prefix, and what changes while it is under way gets another one behind it: however fast paths come and go, there is
/// no more to do than two sweeps of a priority.
@ControlPlane
final class Reprogramming {
    private let engine: Engine
    unowned var fib: FIB!
    /// That of next hops, and one for each priority.
    private var sweeps = [Sweep](repeating: Sweep(), count: RoutePriority.allCases.count + 1)
    /// Prefixes that the last sweep of next hops has chosen again: the others leave them out.
    private var chosen: Set<Chosen> = []
    private var isRunning = false
    private var isScheduled = false
    /// Routes that the slice under way has walked over.
    private var walked = 0
    /// Slices so far.
    private(set) var slices = 0
    /// The longest listed prefix that contains a prefix gives its priority; none: `low`.
    var priorities = RoutePriorities() {
        didSet { prioritiesChanged() }
    }

    /// Routes walked over between two looks at the clock.
    private static let step = 128
    /// Routes that a slice walks over however slow the machine is: it gets on, and in a small table a change is in force
    /// everywhere when it was made.
    private static let fewest = 512

    /// A walk over routes.
    private struct Sweep {
        /// The path-lists whose routes are looked for; none while it rests.
        var lists: Set<PathListIndex> = []
        /// Those for the sweep behind this one.
        var later: Set<PathListIndex> = []
        /// By number, whether a path-list is one of `lists`.
        var isWanted: [Bool] = []
        /// What is to be walked over, the smallest first, and where it is.
        var places: [Place] = []
        var place = 0
        /// Routes of `lists` at the beginning, or some more, and those that it has met.
        var uses = 0
        var met = 0
        /// `PathListStore.routeChanges` at the beginning.
        var changes: UInt64 = 0
        /// Prefixes chosen again, and `Clock.now` at the end of the last sweep; 0 for never.
        var done = 0
        var finished: UInt64 = 0

        var isResting: Bool { lists.isEmpty && later.isEmpty }
    }

    private struct Chosen: Hashable {
        let rib: ObjectIdentifier
        let prefix: IPPrefix
    }

    /// One source's routes of a table and family, with where the walk is.
    private enum Place {
        case v4(VRF, RouteSource, RouteStore<IPv4Prefix>.Cursor)
        case v6(VRF, RouteSource, RouteStore<IPv6Prefix>.Cursor)
        /// The routes to next hops, behind one.
        case nextHops4(VRF, IPv4Address?)
        case nextHops6(VRF, IPv6Address?)
    }

    init(engine: Engine) { self.engine = engine }

    /// Whether there may be prefixes that are not up to date.
    var isBusy: Bool { sweeps.contains { !$0.isResting } }

    /// Prefixes that wait to be brought up to date, at most; at least 1 while it is busy.
    var waiting: Int {
        guard isBusy else { return 0 }
        let waiting = sweeps.map { max(0, $0.uses - $0.met) + uses(of: $0.later) }
        return max(1, waiting.max() ?? 0)
    }

    /// By priority: prefixes brought up to date so far, and the clock when there was last no more to do.
    var done: [Int] { sweeps.dropFirst().map(\.done) }
    var finished: [UInt64] { sweeps.dropFirst().map(\.finished) }

    private func uses(of lists: Set<PathListIndex>) -> Int {
        lists.reduce(0) { $0 + (fib.pathLists[$1]?.references ?? 0) }
    }

    /// Has every route that uses one of `lists` chosen again. Does a slice at once if there is nothing else to do: who has
    /// several failures to tell of waits for one slice.
    func add(_ lists: Set<PathListIndex>) {
        guard !lists.isEmpty else { return }
        sweeps[0].later.formUnion(lists)
        for priority in RoutePriority.allCases where mayBe(priority) {
            sweeps[priority.sweep].later.formUnion(lists)
        }
        if !isRunning, !isScheduled { run() }
    }

    /// A prefix may have changed from a sweep that has not come to it to one that is over.
    func prioritiesChanged() { add(sweeps.reduce(into: []) { $0.formUnion($1.lists.union($1.later)) }) }

    private func mayBe(_ priority: RoutePriority) -> Bool {
        priorities.mayBe(priority) || fib.tables.contains { $0.mayBe(priority) }
    }

    /// Does a slice and leaves the rest to later turns.
    private func run() {
        isRunning = true
        slices += 1
        let slice = ControlSlice()
        walked = 0
        while walked < Reprogramming.fewest || !slice.isOver {
            guard let sweep = sweeps.firstIndex(where: { !$0.isResting }) else { break }
            advance(sweep)
        }
        isRunning = false
        guard isBusy else { return }
        isScheduled = true
        engine.timers.after(milliseconds: 0) { [weak self] in
            self?.isScheduled = false
            self?.run()
        }
    }

    private func advance(_ index: Int) {
        if sweeps[index].lists.isEmpty { begin(index) }
        let place = sweeps[index].place
        guard !hasMetAll(index), place < sweeps[index].places.count else { return end(index) }
        let isMore: Bool
        switch sweeps[index].places[place] {
        case .v4(let table, let source, var cursor):
            isMore = walk(table.ip4, of: table, index, { .v4($0) }) {
                table.ip4.forEach(of: source, from: &cursor, limit: Reprogramming.step, $0)
            }
            sweeps[index].places[place] = .v4(table, source, cursor)
        case .v6(let table, let source, var cursor):
            isMore = walk(table.ip6, of: table, index, { .v6($0) }) {
                table.ip6.forEach(of: source, from: &cursor, limit: Reprogramming.step, $0)
            }
            sweeps[index].places[place] = .v6(table, source, cursor)
        case .nextHops4(let table, var last):
            isMore = walk(table.ip4, of: table, index, { .v4($0) }) {
                table.ip4.forEachToNextHops(after: &last, limit: Reprogramming.step, $0)
            }
            sweeps[index].places[place] = .nextHops4(table, last)
        case .nextHops6(let table, var last):
            isMore = walk(table.ip6, of: table, index, { .v6($0) }) {
                table.ip6.forEachToNextHops(after: &last, limit: Reprogramming.step, $0)
            }
            sweeps[index].places[place] = .nextHops6(table, last)
        }
        if !isMore { sweeps[index].place += 1 }
    }

    /// Nothing can be known of that when a route has come or gone since; and a route may lead to many next hops.
    private func hasMetAll(_ index: Int) -> Bool {
        index > 0 && sweeps[index].met >= sweeps[index].uses && sweeps[index].changes == fib.pathLists.routeChanges
    }

    /// One step of a walk, for which `forEach` gives the routes; false at its end.
    private func walk<Prefix: RoutePrefix>(
        _ rib: RIB<Prefix>, of table: VRF, _ index: Int, _ family: (Prefix) -> IPPrefix,
        _ forEach: ((Prefix, PathListIndex) -> Void) -> Bool
    ) -> Bool {
        let isWanted = sweeps[index].isWanted
        var (met, found) = (0, [Prefix]())
        let isMore = forEach { prefix, list in
            walked += 1
            guard Int(list) < isWanted.count, isWanted[Int(list)] else { return }
            met += 1
            found.append(prefix)
        }
        sweeps[index].met += met
        for prefix in found {
            let choice = Chosen(rib: ObjectIdentifier(rib), prefix: family(prefix))
            let priority = (table.priority(of: choice.prefix) ?? priorities.priority(of: choice.prefix)).sweep
            guard index == 0 ? chosen.insert(choice).inserted : index == priority && !chosen.contains(choice) else {
                continue
            }
            sweeps[priority].done += 1
            rib.reselect(prefix)
        }
        return isMore
    }

    private func begin(_ index: Int) {
        var sweep = sweeps[index]
        (sweep.lists, sweep.later) = (sweep.later, [])
        sweep.isWanted = [Bool](repeating: false, count: Int(sweep.lists.max() ?? 0) + 1)
        for list in sweep.lists { sweep.isWanted[Int(list)] = true }
        (sweep.uses, sweep.met) = (uses(of: sweep.lists), 0)
        sweep.changes = fib.pathLists.routeChanges
        (sweep.places, sweep.place) = (index == 0 ? nextHops : places, 0)
        sweeps[index] = sweep
        if index == 0 { chosen = [] }
    }

    private func end(_ index: Int) {
        sweeps[index].lists = []
        sweeps[index].places = []
        (sweeps[index].uses, sweeps[index].met) = (0, 0)
        sweeps[index].finished = Clock.now
    }

    private var nextHops: [Place] { fib.tables.flatMap { [.nextHops4($0, nil), .nextHops6($0, nil)] } }

    /// Where routes are, the fewest first: those of few next hops are often found before the many.
    private var places: [Place] {
        var places: [(count: Int, place: Place)] = []
        for table in fib.tables {
            for source in RouteSource.inOrder {
                places.append((table.ip4.count(from: source), .v4(table, source, .init())))
                places.append((table.ip6.count(from: source), .v6(table, source, .init())))
            }
        }
        return places.filter { $0.count > 0 }.sorted { $0.count < $1.count }.map(\.place)
    }
}

extension RoutePriority {
    /// The number of its sweep.
    fileprivate var sweep: Int { place + 1 }
}
