// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// Fast reroute: backups that stand ready, the switch to them, and the way back (RFC 5286, RFC 4090 section 3.2).
///
/// The switch itself is none of its business: whoever sees a failure stores it into the next hop's adjacency, and workers
/// take the backup that is written there, for all prefixes at once. This keeps backups written and resolved beforehand,
/// holds a next hop down for the wait-to-restore time after its failure, and keeps account.
@ControlPlane
public final class FastReroute {
    /// Holds for next hops that say nothing else.
    public var policy = RestorationPolicy()
    let engine: Engine
    let fib: FIB
    let interfaces: IPInterfaces
    let neighbors: NeighborTable
    var protections: [AdjacencyIndex: Protection] = [:]
    /// Backups of every next hop on an interface.
    var links: [InterfaceIndex: (path: Path, policy: RestorationPolicy?)] = [:]
    /// Of each neighbour that takes over for others, for whom, and in how many ways.
    var backupUses: [AdjacencyIndex: [AdjacencyIndex: Int]] = [:]
    /// Next hops that an operator has taken out of use; each is kept for that.
    var commanded: Set<AdjacencyIndex> = []
    var history = SwitchHistory()
    var notices = SwitchNotices()
    /// Watches next hops; nil in a router without BFD.
    weak var bfd: BFDManager?
    /// What BFD is to watch from `start` on.
    var watches: [(address: IPAddress, interface: Interface, profile: String)] = []
    private var observers: [@ControlPlane (ProtectionSwitch) -> Void] = []
    private var isKeeping = false
    /// Backups that the neighbour table keeps resolved.
    private var kept: Set<AdjacencyIndex> = []

    var adjacencies: AdjacencyStore { fib.adjacencies }
    var table: AdjacencyTable { fib.adjacencies.table }

    init(engine: Engine, fib: FIB, interfaces: IPInterfaces, neighbors: NeighborTable) {
        self.engine = engine
        self.fib = fib
        self.interfaces = interfaces
        self.neighbors = neighbors
        adjacencies.holdsDown = { [weak self] in self?.holdsDown($0) ?? false }
        adjacencies.onPresence = { [weak self] in self?.presenceChanged($0, $1) }
        adjacencies.onChange { [weak self] in self?.adjacencyChanged($0) }
        fib.paths.onProtection = { [weak self] in self?.pathChanged($0, $1, isPresent: $2) }
        fib.pathLists.onChange { [weak self] in self?.listsChanged($0) }
    }

    // MARK: - For other features

    /// Calls `body` after each switch to a backup, and again when traffic has gone back (`restored` is set then).
    public func onSwitch(_ body: @escaping @ControlPlane (ProtectionSwitch) -> Void) { observers.append(body) }

    /// The protection of a next hop; nil when it has none.
    public func protection(of address: IPAddress, on interface: Interface) -> Protection? {
        let key = NeighborKey(interface: interface.index, address: address)
        guard let index = adjacencies.existing(key), let found = protections[index], found.isProtected else {
            return nil
        }
        return found
    }

    /// What has happened, oldest first, with the first packet on the backup as known by now.
    public var switches: [ProtectionSwitch] {
        history.all.map { event in
            guard event.restored == nil,
                let protection = protections.values.first(where: { $0.current == event.number })
            else { return event }
            var event = event
            event.firstPacket = earliest(event.firstPacket, firstPacket(protection))
            return event
        }
    }

    func tell(_ event: ProtectionSwitch) { for observer in observers { observer(event) } }

    // MARK: - Who takes over for whom

    func entry(_ index: AdjacencyIndex) -> Protection? {
        let isDown = table[index].status.isDown
        if let known = protections[index] {
            // Nobody has followed it meanwhile.
            if !known.isProtected { known.phase = isDown ? .failed : .inUse }
            return known
        }
        guard let key = adjacencies.key(of: index) else { return nil }
        let new = Protection(index, key)
        new.phase = isDown ? .failed : .inUse
        new.wasInUse = !isDown
        protections[index] = new
        return new
    }

    /// The neighbour that a backup leads to.
    func neighbor(of backup: Forwarding) -> AdjacencyIndex? {
        switch backup.kind {
        case .rewrite: backup.index
        case .path: fib.paths.table[backup.index].adjacency
        default: nil
        }
    }

    func countUse(of backup: Forwarding, by primary: AdjacencyIndex, _ change: Int) {
        if let neighbor = neighbor(of: backup) { countUse(of: neighbor, by: primary, change) }
    }

    func countUse(of neighbor: AdjacencyIndex, by primary: AdjacencyIndex, _ change: Int) {
        let count = (backupUses[neighbor]?[primary] ?? 0) + change
        backupUses[neighbor, default: [:]][primary] = count > 0 ? count : nil
        if backupUses[neighbor]?.isEmpty == true { backupUses[neighbor] = nil }
        keepResolved()
    }

    /// A path with a backup came to be, or goes.
    private func pathChanged(_ path: UInt32, _ record: PathRecord, isPresent: Bool) {
        guard let protection = entry(record.adjacency) else { return }
        if isPresent {
            protection.paths.insert(path)
            return countUse(of: record.backup, by: record.adjacency, 1)
        }
        noteFirstPacket(record.firstOnBackup, protection)
        protection.paths.remove(path)
        // Routes of several levels leave it when they are brought up to date: its traffic is where the backup had it, and
        // comes back when the next hop does, after the same wait.
        if protection.own == nil, isAwaited(record.adjacency), let successor = neighbor(of: record.backup),
            protection.successors.insert(successor).inserted
        {
            return
        }
        countUse(of: record.backup, by: record.adjacency, -1)
        discard(protection)
    }

    /// Whether a next hop is down, and there are routes through others that lead to it again when it is not.
    private func isAwaited(_ index: AdjacencyIndex) -> Bool {
        table[index].status.isDown
            && fib.pathLists.users(of: index).contains { fib.pathLists[$0]?.dependents.isEmpty == false }
    }

    /// Routes have come back to the next hop, or will.
    func forgetSuccessors(_ protection: Protection) {
        for neighbor in protection.successors { countUse(of: neighbor, by: protection.adjacency, -1) }
        protection.successors = []
    }

    /// Removes an entry that has nothing left to protect.
    func discard(_ protection: Protection) {
        guard !protection.isProtected else { return }
        if let timer = protection.timer { engine.timers.cancel(timer) }
        protections[protection.adjacency] = nil
        adjacencies.setFailure(.waitToRestore, false, protection.adjacency)
    }

    /// Whether packets would find a backup there and then.
    func hasReadyBackup(_ protection: Protection) -> Bool {
        if let own = protection.own, isReady(own.forwarding) { return true }
        if protection.successors.contains(where: { table[$0].status.isReady }) { return true }
        return protection.paths.contains { isReady(fib.paths.table[$0].backup) }
    }

    func isReady(_ backup: Forwarding) -> Bool { neighbor(of: backup).map { table[$0].status.isReady } ?? false }

    // MARK: - Keeping backups resolved

    /// Keeps neighbours resolved that may have to take over, and asks for those that are to take their traffic back until all
    /// are known. A backup that has to be asked for when it is needed is none.
    func keepResolved() {
        guard !isKeeping else { return }
        isKeeping = true
        engine.timers.after(milliseconds: 0) { [weak self] in self?.resolveAll() }
    }

    private func resolveAll() {
        isKeeping = false
        let backups = Set(backupUses.keys)
        for index in backups.subtracting(kept).sorted() { neighbors.keepResolved(index) }
        for index in kept.subtracting(backups).sorted() { neighbors.stopKeeping(index) }
        kept = backups
        let returning = protections.values.lazy.filter { $0.phase == .waiting }.map(\.adjacency)
        let wanted = Set(returning).filter { !table[$0].status.isResolved }
        guard !wanted.isEmpty else { return }
        for index in wanted.sorted() { neighbors.want(index) }
        isKeeping = true
        engine.timers.after(milliseconds: 1000) { [weak self] in self?.resolveAll() }
    }
}
