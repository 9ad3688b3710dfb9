// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The next hops that routes have watched by BFD: one use of a session for each, however many path-lists name it.
///
/// What a session finds needs nobody here. A neighbour's is stored into its adjacency by the session's worker, a distant next
/// hop's is told to the FIB by `BFDManager`; a session that has never been up speaks against nobody.
@ControlPlane
final class PathWatches {
    /// Nil in a router without BFD.
    weak var bfd: BFDManager?
    unowned var fib: FIB!
    private var entries: [Key: Entry] = [:]
    /// Those that wait for `start`.
    private var waiting: [Key]? = []

    private struct Key: Hashable {
        let target: Path.Target
        let watch: BFDWatch

        /// Nil for a path that nobody watches.
        init?(_ path: Path) {
            guard let watch = path.bfd else { return nil }
            target = path.target
            self.watch = watch
        }
    }

    private struct Entry {
        var uses = 1
        /// Nil before `start`.
        var registration: BFDRegistration?
    }

    init() {}

    /// The configuration has been applied, BFD's profiles and sessions too: asks for the sessions that routes want.
    func start() throws(RouteError) {
        let keys = waiting ?? []
        waiting = nil
        for key in keys where entries[key] != nil { entries[key]?.registration = try register(key) }
    }

    /// One more path-list with these paths.
    /// - Throws: `RouteError` when one of the sessions cannot be had; then nothing has changed.
    func retain(_ paths: [Path]) throws(RouteError) {
        let keys = paths.compactMap(Key.init)
        for place in keys.indices {
            do throws(RouteError) {
                try add(keys[place])
            } catch {
                for key in keys[..<place] { remove(key) }
                throw error
            }
        }
    }

    /// One path-list fewer; the last one's end ends the session, if nobody else wants it.
    func release(_ paths: [Path]) { for key in paths.compactMap(Key.init) { remove(key) } }

    /// The state of the session that watches the path's next hop; nil when there is none.
    func state(of path: Path) -> BFDState? {
        guard let key = Key(path), let registration = entries[key]?.registration else { return nil }
        return bfd?.state(of: registration)
    }

    private func add(_ key: Key) throws(RouteError) {
        if entries[key] != nil {
            entries[key]?.uses += 1
            return
        }
        var entry = Entry()
        if waiting == nil {
            entry.registration = try register(key)
        } else {
            // Its profile may be yet to come.
            let (bfd, target) = try target(key)
            try bfd.check(target)
            waiting?.append(key)
        }
        entries[key] = entry
    }

    private func remove(_ key: Key) {
        entries[key]?.uses -= 1
        guard let entry = entries[key], entry.uses == 0 else { return }
        entries[key] = nil
        waiting?.removeAll { $0 == key }
        if let registration = entry.registration { bfd?.release(registration) }
    }

    private func register(_ key: Key) throws(RouteError) -> BFDRegistration {
        let (bfd, target) = try target(key)
        return try bfd.register(target, client: "routes", profile: key.watch.profile)
    }

    private func target(_ key: Key) throws(RouteError) -> (BFDManager, BFDTarget) {
        guard let bfd else { throw RouteError("there is no BFD to watch next hops", "remove `bfd`") }
        switch key.target {
        case .neighbor(let address, let index):
            guard let interface = fib.interface(index) else { throw .noInterface(index) }
            return (bfd, BFDTarget(peer: address, interface: interface, local: key.watch.local))
        case .recursive(let address, let index):
            guard let table = fib.table(index) else { throw .noTable(index) }
            return (bfd, BFDTarget(peer: address, local: key.watch.local, vrf: table, isMultihop: true))
        default: throw RouteError("BFD goes with a next hop alone", "remove `bfd`")
        }
    }
}
