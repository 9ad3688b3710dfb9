// SPDX-License-Identifier: Apache-2.0
import Graph
import Synchronization
import Wire

/// The control side of the adjacency table: which adjacency leads where, and who still needs it.
///
/// An interface with IPv4 has one glean adjacency, which stands for all hosts of its networks. A neighbour has one
/// adjacency, which all routes through it share: one store to its state switches them all.
@ControlPlane
public final class AdjacencyStore {
    /// The table as workers read it.
    public nonisolated let table = AdjacencyTable()
    private let engine: Engine
    private var entries: [Entry?]
    private var byNeighbor: [NeighborKey: AdjacencyIndex] = [:]
    private var gleans: [InterfaceIndex: AdjacencyIndex] = [:]
    private var free: [AdjacencyIndex] = []

    private struct Entry {
        let key: NeighborKey
        var references = 0
    }

    init(engine: Engine) {
        self.engine = engine
        entries = [Entry?](repeating: nil, count: Int(Forwarding.firstAdjacency))
    }

    isolated deinit { table.unmap() }

    /// Adjacencies in use.
    public var count: Int { entries.count - Int(Forwarding.firstAdjacency) - free.count }

    /// Those in use, in the order of their indices.
    public var indices: [AdjacencyIndex] {
        entries.indices.lazy.filter { self.entries[$0] != nil }.map(AdjacencyIndex.init)
    }

    /// How many routes and neighbour entries use the adjacency.
    public func references(of index: AdjacencyIndex) -> Int { entry(index)?.references ?? 0 }

    // MARK: - Finding and making

    /// The adjacency for hosts on the interface's own networks; made when there is none.
    public func glean(_ interface: Interface) throws(RouteError) -> AdjacencyIndex {
        if let index = gleans[interface.index] { return index }
        let index = try make(NeighborKey(interface: interface.index, address: .any), mtu: interface.mtu)
        gleans[interface.index] = index
        retain(index)
        return index
    }

    /// The adjacency for a neighbour, which may not be known yet; made, incomplete, when there is none.
    public func adjacency(to address: IPv4Address, on interface: Interface) throws(RouteError) -> AdjacencyIndex {
        let key = NeighborKey(interface: interface.index, address: address)
        if let index = byNeighbor[key] { return index }
        let index = try make(key, mtu: interface.mtu)
        byNeighbor[key] = index
        return index
    }

    private func make(_ key: NeighborKey, mtu: Int) throws(RouteError) -> AdjacencyIndex {
        let index: AdjacencyIndex
        if let reused = free.popLast() {
            index = reused
            entries[Int(index)] = Entry(key: key)
        } else {
            guard entries.count < Int(Forwarding.adjacencyCapacity) else { throw RouteError.tooManyAdjacencies }
            index = AdjacencyIndex(entries.count)
            entries.append(Entry(key: key))
        }
        table[index].rewrite = (0, 0)
        table[index].txInterface = key.interface
        table[index].mtu = UInt32(mtu)
        table[index].nextHop = key.address.value
        table[index].state = .incomplete
        return index
    }

    // MARK: - Use

    /// Says that one more route or neighbour entry uses the adjacency.
    public func retain(_ index: AdjacencyIndex) { entries[Int(index)]?.references += 1 }

    /// Says that one fewer uses it. The last one's release gives the index back when no worker can hold it any more.
    public func release(_ index: AdjacencyIndex) {
        guard var entry = entry(index) else { return }
        entry.references -= 1
        entries[Int(index)] = entry
        guard entry.references <= 0 else { return }
        table[index].state = .incomplete
        byNeighbor[entry.key] = nil
        entries[Int(index)] = nil
        engine.retire { [weak self] in self?.free.append(index) }
    }

    private func entry(_ index: AdjacencyIndex) -> Entry? {
        entries.indices.contains(Int(index)) ? entries[Int(index)] : nil
    }

    // MARK: - Changing

    /// The neighbour is at `mac`: from here on packets leave.
    func complete(_ index: AdjacencyIndex, at mac: MACAddress, from interface: Interface) {
        let source = interface.mac
        table[index].rewrite.0 = mac.littleEndianValue | source << 48
        table[index].rewrite.1 = source >> 16 & 0xffff_ffff | UInt64(EtherType.ipv4.rawValue.bigEndian) << 32
        // A worker that sees the state sees the header.
        atomicMemoryFence(ordering: .releasing)
        table[index].state = .complete
    }

    /// The neighbour is not known any more: packets go to resolution.
    func invalidate(_ index: AdjacencyIndex) { table[index].state = .incomplete }

    /// Takes the interface's hardware address and MTU over into all its adjacencies.
    func refresh(_ interface: Interface) {
        for index in indices where table[index].txInterface == interface.index {
            table[index].mtu = UInt32(interface.mtu)
            guard table[index].state == .complete else { continue }
            complete(index, at: MACAddress(littleEndian: table[index].rewrite.0), from: interface)
        }
    }
}

/// A neighbour: an address on an interface's link.
public struct NeighborKey: Hashable, Sendable {
    public let interface: InterfaceIndex
    public let address: IPv4Address

    public init(interface: InterfaceIndex, address: IPv4Address) {
        self.interface = interface
        self.address = address
    }
}
