// SPDX-License-Identifier: Apache-2.0
import Wire

/// What one node did with a traced packet.
public struct TraceStep: Sendable {
    public let node: String
    /// `Clock.now` when the node's call began.
    public let clock: UInt64
    /// What the node saw and used, in its own words; may be empty.
    public let text: String
    /// The arc that the packet left on; nil at a packet's end and for features, which go on along their feature arc.
    public let arc: String?
    /// The node that the arc leads to.
    public let next: String?
    /// The reason's name, at the node that decided to drop the packet.
    public let dropReason: String?
    /// Bytes from the packet's current position.
    public let length: Int
}

/// A packet's way through the graph on one worker.
public struct TracedPacket: Sendable {
    public let worker: Int
    /// The interface that it came by; nil for packets that the router made.
    public let interface: String?
    public let steps: [TraceStep]
}

/// What is in the workers' traces.
public struct TraceSnapshot: Sendable {
    /// In the order in which they came, over all workers.
    public let packets: [TracedPacket]
    /// Records for which there was no room.
    public let lost: Int
}

/// One of the packets that were dropped last.
public struct LastDrop: Sendable {
    public let worker: Int
    /// `Clock.now` when it was dropped.
    public let clock: UInt64
    public let node: String
    public let reason: String
    public let text: String
    /// The interface that it came by; nil for packets that the router made.
    public let interface: String?
    /// The whole frame's length in bytes, of which `bytes` is the beginning.
    public let length: Int
    public let bytes: [UInt8]
}

extension Engine {
    /// Has the next `count` packets that come to `node` traced, on each worker; adds to what is still to come there.
    ///
    /// - Parameter filter: Takes only packets that it matches. One filter holds for all nodes: it replaces an earlier one.
    /// - Throws: `GraphError` when there is no such node.
    public func addTrace(at node: String, count: Int, filter: PacketFilter?) async throws(GraphError) {
        guard let index = topology.index(of: node) else {
            throw GraphError(
                "there is no node \(node); " + Spelling.hint(for: node, among: topology.nodes.map(\.descriptor.name)))
        }
        _ = await onWorkers { worker in
            worker.tracer.prepare()
            worker.tracer.filter = filter
            let budget = Int(worker.runtimes[index].traceBudget) + count
            worker.runtimes[index].traceBudget = UInt32(clamping: budget)
        }
    }

    /// Forgets what was traced, and what was still to be traced.
    public func clearTrace() async {
        _ = await onWorkers { worker in
            worker.tracer.clear()
            worker.tracer.filter = nil
            for node in 0..<worker.runtimeCount { worker.runtimes[node].traceBudget = 0 }
        }
    }

    /// The first `limit` packets of each worker's trace.
    public func traces(limit: Int = .max) async -> TraceSnapshot {
        let traces = await onWorkers { $0.tracer.copy(limit: limit) }
        let lost = traces.reduce(0) { $0 + $1.lost }
        let packets = traces.enumerated().flatMap { worker, trace in tracedPackets(trace.records, worker: worker) }
        return TraceSnapshot(packets: packets.sorted { $0.steps[0].clock < $1.steps[0].clock }, lost: lost)
    }

    private func tracedPackets(_ records: [Tracer.Record], worker: Int) -> [TracedPacket] {
        Dictionary(grouping: records, by: \.handle).sorted { $0.key < $1.key }.map { _, records in
            TracedPacket(worker: worker, interface: name(of: records[0].rxInterface), steps: records.map(step))
        }
    }

    private func step(_ record: Tracer.Record) -> TraceStep {
        let entry = topology.nodes[Int(record.node)]
        let isDrop = record.verdict & .dropFlag != 0
        let number = Int(record.verdict & ~VerdictCode.dropFlag)
        let reasons = entry.descriptor.reasons
        let hasArc = !isDrop && number < entry.arcNames.count
        return TraceStep(
            node: entry.descriptor.name, clock: record.clock, text: text(record, entry.descriptor),
            arc: hasArc ? entry.arcNames[number] : nil, next: hasArc ? entry.arcTargets[number] : nil,
            dropReason: isDrop && number < reasons.count ? reasons[number].name : nil,
            length: Int(record.length))
    }

    private func text(_ record: Tracer.Record, _ descriptor: NodeDescriptor) -> String {
        if descriptor.name == DropNode.name {
            guard Int(record.reason) < topology.reasons.count else { return "" }
            let reason = topology.reasons[Int(record.reason)]
            return "\(reason.node) \(reason.name): \(reason.text)"
        }
        // An input node decides about nothing, so it has no words of its own.
        if descriptor.kind == .input {
            return "\(name(of: record.rxInterface) ?? "no interface"), \(record.length) bytes"
        }
        return withUnsafeBytes(of: record.bytes) { descriptor.describeTrace($0.baseAddress!) }
    }

    /// The packets that were dropped last on all workers, the newest first; at most 64 per worker are kept.
    public func lastDrops() -> [LastDrop] {
        let drops = workers.flatMap { worker in worker.lastDrops.read().map { lastDrop($0, worker: worker.number) } }
        return drops.sorted { $0.clock > $1.clock }
    }

    private func lastDrop(_ entry: DropRing.Entry, worker: Int) -> LastDrop {
        let reason = Int(entry.reason) < topology.reasons.count ? topology.reasons[Int(entry.reason)] : ("", "", "")
        let bytes = withUnsafeBytes(of: entry.bytes) { [UInt8]($0.prefix(Int(entry.snapped))) }
        return LastDrop(
            worker: worker, clock: entry.clock, node: reason.0, reason: reason.1, text: reason.2,
            interface: name(of: entry.rxInterface), length: Int(entry.length), bytes: bytes)
    }

    /// Runs `body` for each worker, on the worker's own thread between two dispatches; here while no worker runs.
    func onWorkers<Result: Sendable>(_ body: @escaping @Sendable (Worker) -> Result) async -> [Result] {
        guard isRunning else { return workers.map(body) }
        var results: [Result] = []
        for worker in workers {
            results.append(
                await withCheckedContinuation { continuation in
                    if isRunning {
                        worker.perform { continuation.resume(returning: body($0)) }
                    } else {
                        continuation.resume(returning: body(worker))
                    }
                })
        }
        return results
    }
}

extension Tracer {
    /// The records of the first `limit` packets. A copy of its own: one that shared memory with the trace would have the
    /// worker copy it at its next record.
    func copy(limit: Int) -> (records: [Record], lost: Int) {
        guard let first = records.first?.handle else { return ([], lost) }
        let copied = records.withUnsafeBufferPointer { records in
            records.filter { Int($0.handle &- first) < limit }
        }
        return (copied, lost)
    }
}
