// SPDX-License-Identifier: Apache-2.0
import Graph
import Synchronization
import Wire

/// The control side of the adjacency table: which adjacency leads where, who still needs it, and whether it can be used.
///
/// An interface with addresses has one glean adjacency, which stands for all hosts of its networks. A neighbour has one
/// adjacency, which all routes through it share: one store to its status switches them all.
@ControlPlane
public final class AdjacencyStore {
    /// The table as workers read it.
    public nonisolated let table = AdjacencyTable()
    /// Packets and bytes that left by each adjacency.
    public nonisolated let counters: TrafficCounters
    private let engine: Engine
    private var entries: [Entry?]
    private var byNeighbor: [NeighborKey: AdjacencyIndex] = [:]
    private nonisolated let losses: LinkLosses
    private var gleans: [InterfaceIndex: AdjacencyIndex] = [:]
    private var free: [AdjacencyIndex] = []
    /// Interfaces on which IPv6 has stopped.
    private var stopped: Set<InterfaceIndex> = []
    private var observers: [@ControlPlane (AdjacencyIndex) -> Void] = []
    /// Whether a neighbour whose failure is over is to stay down for now, until somebody takes `waitToRestore` from it.
    var holdsDown: (@ControlPlane (AdjacencyIndex) -> Bool)?
    /// Called when a neighbour's adjacency comes to be and when it goes.
    var onPresence: (@ControlPlane (AdjacencyIndex, _ isPresent: Bool) -> Void)?
    /// Called when an adjacency has been given back.
    var onRoom: (@ControlPlane () -> Void)?
    /// Of the change that observers hear of: `Clock.now` when its cause was seen and when workers could see it.
    private(set) var changeClock = (detected: UInt64(0), stored: UInt64(0))
    /// Stores to statuses so far that made a neighbour unusable or usable.
    private(set) var statusStores = 0
    /// The most adjacencies there may be.
    var limit = Int(Forwarding.indexCapacity - Forwarding.firstAdjacency)

    private struct Entry {
        let key: NeighborKey
        var references = 0
    }

    init(engine: Engine) {
        self.engine = engine
        counters = TrafficCounters(capacity: Int(Forwarding.indexCapacity), workerCount: engine.workers.count)
        entries = [Entry?](repeating: nil, count: Int(Forwarding.firstAdjacency))
        let losses = LinkLosses(table)
        self.losses = losses
        engine.linkAlarm.onChange { [weak losses] in losses?.hear($0, isLost: $1, at: $2) }
    }

    isolated deinit { table.unmap() }

    /// Adjacencies in use.
    public var count: Int { entries.count - Int(Forwarding.firstAdjacency) - free.count }

    /// Those in use, in the order of their indices.
    public var indices: [AdjacencyIndex] {
        entries.indices.lazy.filter { self.entries[$0] != nil }.map(AdjacencyIndex.init)
    }

    /// The neighbours' adjacencies on an interface, its glean adjacency excepted; unordered.
    public func indices(on interface: InterfaceIndex) -> Set<AdjacencyIndex> { losses.neighbors(on: interface) }

    /// The neighbour that an adjacency leads to; nil when it is not in use.
    public func key(of index: AdjacencyIndex) -> NeighborKey? { entry(index)?.key }

    /// The adjacency to a neighbour, if there is one.
    public func existing(_ key: NeighborKey) -> AdjacencyIndex? { byNeighbor[key] }

    /// How many routes and neighbour entries use the adjacency.
    public func references(of index: AdjacencyIndex) -> Int { entry(index)?.references ?? 0 }

    // MARK: - Finding and making

    /// The adjacency for hosts on the interface's own networks; made when there is none.
    public func glean(_ interface: Interface) throws(RouteError) -> AdjacencyIndex {
        if let index = gleans[interface.index] { return index }
        let index = try make(NeighborKey(interface: interface.index, address: .v4(.any)), mtu: interface.mtu)
        gleans[interface.index] = index
        retain(index)
        return index
    }

    /// The adjacency for a neighbour, which may not be known yet; made, incomplete, when there is none.
    public func adjacency(to address: IPAddress, on interface: Interface) throws(RouteError) -> AdjacencyIndex {
        let key = NeighborKey(interface: interface.index, address: address)
        if let index = byNeighbor[key] { return index }
        let index = try make(key, mtu: interface.mtu)
        byNeighbor[key] = index
        losses.insert(index, on: interface.index)
        var failures: AdjacencyStatus.Failures = interface.flags.isSuperset(of: .usable) ? [] : .link
        if address.family == .ipv6, stopped.contains(interface.index) { failures.insert(.stopped) }
        if !failures.isEmpty { table.setFailures(index, failures) }
        // There is one other end, and it needs no address.
        if interface.flags.contains(.pointToPoint) { complete(index, at: .zero, from: interface) }
        onPresence?(index, true)
        return index
    }

    private func make(_ key: NeighborKey, mtu: Int) throws(RouteError) -> AdjacencyIndex {
        guard count < limit else { throw .tooManyAdjacencies(limit) }
        let index = free.popLast() ?? AdjacencyIndex(entries.count)
        if Int(index) == entries.count { entries.append(nil) }
        entries[Int(index)] = Entry(key: key)
        let nextHop: (high: UInt64, low: UInt64)
        switch key.address {
        case .v4(let address): nextHop = (0, UInt64(address.value))
        case .v6(let address): nextHop = (address.high, address.low)
        }
        table[index] = AdjacencyRecord(
            rewrite: (0, 0), txInterface: key.interface, mtu: UInt32(mtu), status: AdjacencyStatus(word: 0),
            backup: .noRoute, nextHop: nextHop, family: key.address.family, reserved: (0, 0, 0), reserved2: 0,
            firstOnBackup: 0)
        counters.reset(index)
        return index
    }

    /// What of the record that workers read is not what it should be, in words.
    func differences(at index: AdjacencyIndex, _ fib: FIB) -> [String] {
        guard let key = key(of: index) else { return [] }
        let record = table[index]
        let isGlean = gleans[key.interface] == index
        guard record.txInterface == key.interface, let interface = fib.interface(key.interface) else {
            return ["it leaves by interface \(record.txInterface), and should by \(key.interface)"]
        }
        var found: [String] = []
        if !isGlean, record.neighbor ?? .v4(.any) != key.address {
            found.append(
                "it leads to \(record.neighbor.map { "\($0)" } ?? "no neighbour"), and should to \(key.address)")
        }
        if Int(record.mtu) != interface.mtu {
            found.append("its MTU is \(record.mtu), \(interface.name)'s \(interface.mtu)")
        }
        let isUp = interface.flags.isSuperset(of: .usable)
        if !isGlean, record.status.failures.contains(.link) == isUp {
            found.append("it says that \(interface.name) is \(isUp ? "down" : "up")")
        }
        if !isGlean, isUp, record.status.isLinkLost, !losses.isLost(key.interface) {
            found.append("it says that the link of \(interface.name) is lost, which it is not")
        }
        let source = record.rewrite.0 >> 48 | record.rewrite.1 << 16
        if record.status.isResolved, source != interface.mac {
            found.append("it sends from another MAC than \(interface.name)'s")
        }
        return found
    }

    // MARK: - Use

    /// Says that one more route or neighbour entry uses the adjacency.
    public func retain(_ index: AdjacencyIndex) {
        guard index >= Forwarding.firstAdjacency else { return }
        entries[Int(index)]?.references += 1
    }

    /// Says that one fewer uses it. The last one's release gives the index back when no worker can hold it any more.
    public func release(_ index: AdjacencyIndex) {
        guard var entry = entry(index) else { return }
        entry.references -= 1
        entries[Int(index)] = entry
        guard entry.references <= 0 else { return }
        onPresence?(index, false)
        table.setResolved(index, false)
        byNeighbor[entry.key] = nil
        losses.remove(index, on: entry.key.interface)
        entries[Int(index)] = nil
        engine.retire { [weak self] in
            self?.free.append(index)
            self?.onRoom?()
        }
    }

    private func entry(_ index: AdjacencyIndex) -> Entry? {
        entries.indices.contains(Int(index)) ? entries[Int(index)] : nil
    }

    // MARK: - Changing

    /// Calls `body` after each change of an adjacency's failures or of its BFD state as far as the control side made it.
    public func onChange(_ body: @escaping @ControlPlane (AdjacencyIndex) -> Void) { observers.append(body) }

    /// The neighbour is at `mac`: from here on packets leave.
    func complete(_ index: AdjacencyIndex, at mac: MACAddress, from interface: Interface) {
        let source = interface.mac
        table[index].rewrite.0 = mac.littleEndianValue | source << 48
        table[index].rewrite.1 = source >> 16 & 0xffff_ffff
        // A worker that sees the status sees the header.
        atomicMemoryFence(ordering: .releasing)
        table.setResolved(index, true)
    }

    /// The neighbour is not known any more: packets go to resolution.
    func invalidate(_ index: AdjacencyIndex) { table.setResolved(index, false) }

    /// Says what speaks against a neighbour, or no longer does; tells the observers when that is news.
    /// - Parameter clock: `Clock.now` when the cause was seen.
    public func setFailure(
        _ failure: AdjacencyStatus.Failures, _ isOn: Bool, _ index: AdjacencyIndex, at clock: UInt64? = nil
    ) {
        let detected = clock ?? engine.eventClock
        if store(failure, isOn, index) { tell([index], detected) }
    }

    /// Says that a BFD session has lost the neighbour, as the session's worker has said already, or that it is back.
    /// - Parameters:
    ///   - clock: `Clock.now` when the worker saw it.
    ///   - isStillDown: Asked after the store when the neighbour is back: the worker may have lost it again meanwhile, and
    ///     its store must not be undone.
    public func setBFDDown(
        _ isDown: Bool, _ index: AdjacencyIndex, at clock: UInt64? = nil,
        isStillDown: @ControlPlane () -> Bool = { false }
    ) {
        let detected = clock ?? engine.eventClock
        // No gap between the end of the failure and the time of waiting.
        if !isDown, table[index].status.isBFDDown, holdsDown?(index) == true {
            table.setFailures(index, table[index].status.failures.union(.waitToRestore))
        }
        if isDown != table[index].status.isBFDDown { statusStores += 1 }
        table.setBFDDown(index, isDown)
        if !isDown, isStillDown() { table.setBFDDown(index, true) }
        tell([index], detected)
    }

    /// One store, if anything changes. What ends leaves `waitToRestore` behind where the neighbour is to stay down.
    private func store(_ failure: AdjacencyStatus.Failures, _ isOn: Bool, _ index: AdjacencyIndex) -> Bool {
        let old = table[index].status.failures
        var new = isOn ? old.union(failure) : old.subtracting(failure)
        guard new != old else { return false }
        let isRecovery = !isOn && !failure.isDisjoint(with: [.link, .neighbor])
        if isRecovery, holdsDown?(index) == true { new.insert(.waitToRestore) }
        table.setFailures(index, new)
        statusStores += 1
        return true
    }

    private func tell(_ changed: [AdjacencyIndex], _ detected: UInt64, stored: UInt64 = Clock.now) {
        let clock = (detected: detected, stored: stored)
        for index in changed {
            for observer in observers {
                changeClock = clock
                observer(index)
            }
        }
    }

    /// Tells the observers that something about the interface bears upon its neighbours.
    func tell(_ interface: Interface) { tell(indices(on: interface.index).sorted(), engine.eventClock) }

    /// Where packets go while the neighbour is down; `noRoute` for none. In force at once when it is down already.
    public func setBackup(_ backup: Forwarding, of index: AdjacencyIndex) {
        guard table[index].backup != backup else { return }
        table[index].backup = backup
        if table[index].status.isDown { tell([index], engine.eventClock) }
    }

    /// Takes the interface's hardware address, MTU and state over into all its adjacencies.
    func refresh(_ interface: Interface) {
        if let glean = gleans[interface.index] { table[glean].mtu = UInt32(interface.mtu) }
        for index in indices(on: interface.index) {
            table[index].mtu = UInt32(interface.mtu)
            guard table[index].status.isResolved else { continue }
            complete(index, at: MACAddress(littleEndian: table[index].rewrite.0), from: interface)
        }
    }

    /// IPv6 neighbours on the interface must not be sent to, or may be again.
    func setStopped(_ isStopped: Bool, on interface: InterfaceIndex) {
        let detected = engine.eventClock
        if isStopped { stopped.insert(interface) } else { stopped.remove(interface) }
        let neighbors = indices(on: interface).filter { table[$0].family == .ipv6 }
        tell(neighbors.filter { store(.stopped, isStopped, $0) }.sorted(), detected)
    }

    /// The interface can send, or no longer can. The stores come first, for all neighbours, where the thread that had the
    /// news has not made them already; then observers are told.
    func setUsable(_ interface: Interface, _ isUsable: Bool) {
        let detected = engine.eventClock
        var changed = indices(on: interface.index).filter { store(.link, !isUsable, $0) }
        if isUsable {
            changed.formUnion(losses.clear(interface.index))
            return tell(changed.sorted(), detected)
        }
        let loss = losses.takeLoss(of: interface.index)
        tell(changed.sorted(), loss?.detected ?? detected, stored: loss?.stored ?? Clock.now)
    }
}

/// A neighbour: an address on an interface's link.
public struct NeighborKey: Hashable, Sendable {
    public let interface: InterfaceIndex
    public let address: IPAddress

    public init(interface: InterfaceIndex, address: IPAddress) {
        self.interface = interface
        self.address = address
    }
}
