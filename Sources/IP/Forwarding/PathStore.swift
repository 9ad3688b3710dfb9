// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// A resolved way out: a neighbour and what goes in front of the packet, or a result that leads nowhere else.
struct Leaf: Hashable {
    enum End: Hashable {
        case adjacency(AdjacencyIndex)
        case result(Forwarding)
    }

    var end: End
    /// The first is outermost.
    var labels: [UInt32] = []
    var mode = TTLMode.pipe
    /// At most one.
    var backup: [Leaf] = []
    /// The backup is one of several that share the traffic anyway: in the list, all of them take over together.
    var isBackupAutomatic = false

    /// Of a path that leads to no neighbour at the moment.
    static let nowhere = Leaf(end: .result(.noRoute))

    var adjacency: AdjacencyIndex? { if case .adjacency(let index) = end { index } else { nil } }

    /// The leaf of a path that leads through this one: its labels are inner.
    func carrying(_ inner: [UInt32], _ innerMode: TTLMode) -> Leaf {
        guard !inner.isEmpty else { return self }
        var leaf = self
        leaf.labels += inner
        if labels.isEmpty { leaf.mode = innerMode }
        leaf.backup = backup.map { $0.carrying(inner, innerMode) }
        return leaf
    }
}

/// The control side of the path table: paths that push labels or have a backup, shared by all that are equal.
@ControlPlane
public final class PathStore {
    /// The table as workers read it.
    public nonisolated let table = PathTable()
    private let engine: Engine
    private let adjacencies: AdjacencyStore
    private var byKey: [Key: UInt32] = [:]
    private var entries: [Entry?] = []
    private var free: [UInt32] = []
    /// Called when a path with a backup comes to be and when it goes.
    var onProtection: (@ControlPlane (UInt32, PathRecord, _ isPresent: Bool) -> Void)?
    /// Called when a path has been given back.
    var onRoom: (@ControlPlane () -> Void)?
    /// The most paths there may be.
    var limit = Int(Forwarding.indexCapacity)

    private struct Key: Hashable {
        let adjacency: AdjacencyIndex
        let labels: [UInt32]
        let mode: TTLMode
        let backup: Forwarding
    }

    private struct Entry {
        let key: Key
        var references = 0
    }

    init(engine: Engine, adjacencies: AdjacencyStore) {
        self.engine = engine
        self.adjacencies = adjacencies
    }

    isolated deinit { table.unmap() }

    /// Paths in use.
    public var count: Int { entries.count - free.count }

    /// Those in use, in the order of their indices.
    public var indices: [UInt32] { entries.indices.lazy.filter { self.entries[$0] != nil }.map(UInt32.init) }

    /// The labels that a path pushes, the outermost first.
    public func labels(of index: UInt32) -> [UInt32] {
        entries.indices.contains(Int(index)) ? entries[Int(index)]?.key.labels ?? [] : []
    }

    /// The leaf's result, made when there is none; the caller releases it.
    func acquire(_ leaf: Leaf) throws(RouteError) -> Forwarding {
        guard let adjacency = leaf.adjacency else {
            if case .result(let forwarding) = leaf.end { return forwarding }
            return .unreachable
        }
        guard !leaf.labels.isEmpty || !leaf.backup.isEmpty else {
            adjacencies.retain(adjacency)
            return Forwarding(.rewrite, adjacency)
        }
        guard leaf.labels.count <= PathRecord.labelCapacity else { throw .tooManyLabels(leaf.labels.count) }
        var backup = Forwarding.noRoute
        if let other = leaf.backup.first { backup = try acquire(other) }
        let key = Key(adjacency: adjacency, labels: leaf.labels, mode: leaf.mode, backup: backup)
        if let index = byKey[key] {
            entries[Int(index)]?.references += 1
            release(backup)
            return Forwarding(.path, index)
        }
        guard count < limit else {
            release(backup)
            throw .tooManyPaths(limit)
        }
        adjacencies.retain(adjacency)
        return Forwarding(.path, make(key))
    }

    private func make(_ key: Key) -> UInt32 {
        let index = free.popLast() ?? UInt32(entries.count)
        if Int(index) == entries.count { entries.append(nil) }
        entries[Int(index)] = Entry(key: key, references: 1)
        byKey[key] = index
        func label(_ position: Int) -> UInt32 { position < key.labels.count ? key.labels[position] : 0 }
        table[index] = PathRecord(
            labels: (label(0), label(1), label(2), label(3), label(4), label(5), label(6), label(7)),
            labelCount: UInt8(key.labels.count), mode: key.mode, reserved: 0, adjacency: key.adjacency,
            backup: key.backup, mtu: mtu(key), firstOnBackup: 0, reserved2: 0)
        if key.backup != .noRoute { onProtection?(index, table[index], true) }
        return index
    }

    private func mtu(_ key: Key) -> UInt32 {
        let link = adjacencies.table[key.adjacency].mtu
        return link - min(link, UInt32(key.labels.count * 4))
    }

    /// What of the record that workers read is not what it should be, in words.
    func differences(at index: UInt32) -> [String] {
        guard let key = entries[Int(index)]?.key else { return [] }
        let record = table[index]
        let labels = withUnsafeBytes(of: record.labels) { Array($0.bindMemory(to: UInt32.self)) }
        var found: [String] = []
        if Array(labels.prefix(Int(record.labelCount))) != key.labels || record.mode != key.mode {
            found.append("it pushes other labels than \(key.labels)")
        }
        if record.adjacency != key.adjacency {
            found.append("it leads to adjacency \(record.adjacency), and should to \(key.adjacency)")
        }
        if record.backup != key.backup { found.append("it has another backup") }
        if record.mtu != mtu(key) { found.append("its MTU is \(record.mtu), and should be \(mtu(key))") }
        return found
    }

    /// One use fewer of what `acquire` gave, or of any result: those without a count are left alone.
    func release(_ forwarding: Forwarding) {
        switch forwarding.kind {
        case .rewrite: adjacencies.release(forwarding.index)
        case .path:
            guard var entry = entries[Int(forwarding.index)] else { return }
            entry.references -= 1
            entries[Int(forwarding.index)] = entry
            guard entry.references == 0 else { return }
            byKey[entry.key] = nil
            entries[Int(forwarding.index)] = nil
            if entry.key.backup != .noRoute { onProtection?(forwarding.index, table[forwarding.index], false) }
            // Its own uses end when no worker can hold it any more.
            engine.retire { [weak self] in
                guard let self else { return }
                free.append(forwarding.index)
                adjacencies.release(entry.key.adjacency)
                release(entry.key.backup)
                onRoom?()
            }
        case .discard, .glean, .local, .loadBalance, .table: return
        }
    }

    /// Takes an interface's MTU over into the paths that leave by it.
    func refresh(_ interface: Interface) {
        for (key, index) in byKey where adjacencies.table[key.adjacency].txInterface == interface.index {
            table[index].mtu = mtu(key)
        }
    }
}
