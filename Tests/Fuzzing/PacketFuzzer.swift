// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import IP

/// Something that must hold and does not.
public struct FuzzFailure: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Hostile packets through the whole graph, on the caller's thread, as fast as it goes.
///
/// Holds after each batch: every buffer is back in the pool, or an unfinished datagram has it. Holds for each packet sent: it is a right one. Holds after
/// some thousand batches: of the packets that came to a node each one left it, was dropped by name, or was kept where a
/// node may keep it.
@ControlPlane
public final class PacketFuzzer {
    public nonisolated static let batch = UInt64(FuzzFeed.batch)
    private static let batchesPerAudit: UInt64 = 4096
    private static let batchesPerDisturbance: UInt64 = 16

    private let graph: FuzzGraph
    let router: Router
    let feed: FuzzFeed
    private let audit: PacketAudit
    /// Those of the configuration.
    private var nextHops: [AdjacencyIndex] = []
    /// Of the last disturbance.
    private var epoch = UInt64.max
    private var engine: Engine { router.engine }

    /// - Parameter isExact: For AddressSanitizer: each packet in memory of its own, no byte larger. Slower.
    public convenience init(_ graph: FuzzGraph = .plain, seed: UInt64, isExact: Bool = false) throws {
        try self.init(graph, seed: seed, isExact: isExact, detours: [:], modules: [])
    }

    /// - Parameters:
    ///   - detours: Nodes to which arcs ("ip4-input/lookup") lead in place of their own: faults that must be found.
    ///   - modules: What brings these nodes.
    init(
        _ graph: FuzzGraph = .plain, seed: UInt64, isExact: Bool = false, detours: [String: String],
        modules: [any Module.Type]
    ) throws {
        self.graph = graph
        feed = FuzzFeed(seed: seed, isExact: isExact, isBridge: graph.isBridge)
        if graph.hasCopies { feed.uncopied = [] }
        let (file, audit) = try PacketAudit.instrument(graph.configuration, detours: detours)
        self.audit = audit
        router = try Router(file, modules: [FuzzPorts.self] + modules)
        router.registry.module(FuzzPorts.self)?.feed = feed
        let module = router.registry.module(IPModule.self)
        module?.neighbors.policy.ip6Probes = 0
        try router.prepare()
        if let store = module?.fib.adjacencies { nextHops = store.indices.filter { store.key(of: $0) != nil } }
        settle()
    }

    /// Sends `count` packets in whole batches, from the batch numbered `first` on.
    /// - Parameter progress: Called before each batch.
    public func run(from first: UInt64 = 0, count: UInt64, progress: (UInt64) -> Void = { _ in }) throws(FuzzFailure) {
        let end = first + (count + PacketFuzzer.batch - 1) / PacketFuzzer.batch
        for number in first..<end {
            progress(number)
            disturb(number)
            feed.next = number
            settle()
            try check("batch \(number)")
            if number % PacketFuzzer.batchesPerAudit == PacketFuzzer.batchesPerAudit - 1 { try audit.check(router) }
        }
        try audit.check(router)
    }

    /// Sends these frames, in vectors of 256.
    public func run(_ frames: [[UInt8]]) throws(FuzzFailure) {
        feed.given = frames
        repeat {
            feed.next = 0
            settle()
            try check("a packet of the corpus")
        } while !feed.given.isEmpty
        try audit.check(router)
    }

    /// The frames of a batch in hexadecimal, one a line.
    public func text(_ number: UInt64) -> String {
        let digits = Array("0123456789abcdef")
        return feed.frames(number, capacity: engine.pool.capacity).map { frame in
            String(frame.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }) + "\n"
        }.joined()
    }

    /// Frames from such a text; empty lines and those that begin with `#` are none.
    public nonisolated static func frames(_ text: String) -> [[UInt8]] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let digits = line.compactMap(\.hexDigitValue)
            return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        }
    }

    /// Packets dropped, by "node reason": to see that the fuzzer comes everywhere.
    public var drops: [String: UInt64] {
        Dictionary(engine.dropSamples().map { ("\($0.node) \($0.reason)", $0.count) }, uniquingKeysWith: +)
    }

    public var sentCount: UInt64 { engine.interfaces.reduce(0) { $0 + engine.counters(of: $1.index).txPackets } }

    /// Takes next hops and links out of use, and brings them back, after each few batches: which, tells the number.
    private func disturb(_ number: UInt64) {
        let epoch = number / PacketFuzzer.batchesPerDisturbance
        guard graph.isRestless, epoch != self.epoch, let module = router.registry.module(IPModule.self) else { return }
        self.epoch = epoch
        var random = FuzzRandom(seed: ~feed.seed, number: epoch)
        for interface in engine.interfaces { interface.isLinkUp = !random.once(in: 8) }
        for index in nextHops {
            module.fastReroute.setOutOfUse(index, random.once(in: 4))
            module.fib.adjacencies.setBFDDown(random.once(in: 8), index)
        }
        settle()
    }

    private func settle() { while engine.step() {} }

    private func check(_ place: @autoclosure () -> String) throws(FuzzFailure) {
        if router.lostBuffers != 0 { throw FuzzFailure("\(place()): \(router.lostBuffers) buffers are not back") }
        if let frames = feed.uncopied, !frames.isEmpty {
            throw FuzzFailure("\(place()): \(frames.count) frames were not copied")
        }
        if let complaint = feed.complaint { throw FuzzFailure("\(place()): \(complaint)") }
    }
}

extension Router {
    /// Buffers that are neither in the pool nor an unfinished datagram's to the router.
    @ControlPlane
    var lostBuffers: Int { engine.buffersInUse - (registry.module(IPModule.self)?.buffersInReassembly ?? 0) }
}
