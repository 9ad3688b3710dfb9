// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// What workers read of the feature arcs: where an interface's chain of features begins, and what follows each feature.
///
/// A chain is a run of node indices in `chains`, ended by the arc's end node; a packet on the arc carries its position (the
/// cursor). Chains are only ever added, so that a cursor under way stays valid; a change of features writes a new chain and then
/// stores its start with one store. An arc on which no interface has a feature costs its start node one test per frame.
struct FeatureArcs: BitwiseCopyable, @unchecked Sendable {
    static let arcCapacity = 64
    static let chainCapacity = 1 << 22

    /// Per arc: on how many interfaces it has features.
    let active: UnsafeMutablePointer<UInt32>
    /// Per arc and interface: the first cursor of the chain, 0 for none.
    let starts: UnsafeMutablePointer<UInt32>
    /// Node indices. Entry 0 is not used.
    let chains: UnsafeMutablePointer<UInt16>

    init() {
        func map<T: BitwiseCopyable>(_ count: Int, _ type: T.Type) -> UnsafeMutablePointer<T> {
            guard let memory = CMartletLinux_mapAnonymous(count * MemoryLayout<T>.stride, 0) else {
                fatalError("no address space for the feature arcs")
            }
            return memory.bindMemory(to: T.self, capacity: count)
        }
        active = map(FeatureArcs.arcCapacity, UInt32.self)
        starts = map(FeatureArcs.arcCapacity * InterfaceTable.capacity, UInt32.self)
        chains = map(FeatureArcs.chainCapacity, UInt16.self)
    }

    func unmap() {
        munmap(active, FeatureArcs.arcCapacity * 4)
        munmap(starts, FeatureArcs.arcCapacity * InterfaceTable.capacity * 4)
        munmap(chains, FeatureArcs.chainCapacity * 2)
    }

    @inline(__always)
    func start(arc: Int, interface: InterfaceIndex) -> UInt32 {
        starts[arc &* InterfaceTable.capacity &+ (Int(interface) & (InterfaceTable.capacity &- 1))]
    }
}
