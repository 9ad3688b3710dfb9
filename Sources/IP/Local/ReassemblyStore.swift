// SPDX-License-Identifier: Apache-2.0
import Graph
import Synchronization
import Wire

/// What reassembly did since the start, of one family.
public struct ReassemblyCounts: BitwiseCopyable, Sendable {
    /// Datagrams begun, and of these those that became whole.
    public internal(set) var begun: UInt64 = 0
    public internal(set) var whole: UInt64 = 0
    /// Fragments taken into a datagram.
    public internal(set) var taken: UInt64 = 0
    /// Fragments that overlap others.
    public internal(set) var overlaps: UInt64 = 0
    /// Buffers that unfinished datagrams have at this moment.
    public internal(set) var held: UInt64 = 0
}

/// The memory and the limits of reassembly on all workers. It outlives the nodes that use it.
final class ReassemblyStore: Sendable {
    /// Datagrams of one family on one worker: at 30 seconds each, more than hosts that are well have under way.
    static let most = 256

    /// Datagrams of one family on one worker, each with a buffer: both families on all workers together never have more
    /// than a sixteenth of the buffers.
    let capacity: Int
    /// Of these, from one source.
    var capacityOfSource: Int { max(1, capacity / 4) }
    /// Nobody outside knows which datagrams belong to which worker.
    let seed = UInt64.random(in: .min ... .max)
    private let longest: Int
    private let tables = Mutex<[ReassemblyTable]>([])
    private let counts: [AddressFamily: PerWorker<ReassemblyCounts>]

    init(workerCount: Int, pool: BufferPool) {
        capacity = min(ReassemblyStore.most, max(1, pool.count / (32 * workerCount)))
        longest = pool.capacity
        counts = [
            .ipv4: PerWorker(ReassemblyCounts(), workerCount: workerCount),
            .ipv6: PerWorker(ReassemblyCounts(), workerCount: workerCount),
        ]
    }

    deinit { tables.withLock { for table in $0 { table.deallocate() } } }

    /// For one node on one worker, which has it for itself: a graph may have several of a kind.
    func makeTable() -> ReassemblyTable {
        let table = ReassemblyTable(capacity: capacity, longest: longest)
        tables.withLock { $0.append(table) }
        return table
    }

    func counts(_ family: AddressFamily, worker: Int) -> PerWorker<ReassemblyCounts>.Slot {
        counts[family]!.slot(worker)
    }

    /// All workers together.
    func total(_ family: AddressFamily) -> ReassemblyCounts {
        counts[family]!.values.reduce(into: ReassemblyCounts()) { sum, one in
            sum.begun &+= one.begun
            sum.whole &+= one.whole
            sum.taken &+= one.taken
            sum.overlaps &+= one.overlaps
            sum.held &+= one.held
        }
    }
}

/// `reassembly:` as workers read it.
struct ReassemblySettings: BitwiseCopyable, Sendable {
    /// In ticks of `Clock`, from a datagram's first fragment on.
    var timeout: UInt64
}
