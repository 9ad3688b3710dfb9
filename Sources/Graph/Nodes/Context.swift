// SPDX-License-Identifier: Apache-2.0
import CMartletLinux

/// What the engine lends a node for one call.
@frozen
public struct Context {
    @usableFromInline let headers: UnsafeMutablePointer<BufferHeader>
    /// One verdict per packet of the frame.
    public let verdicts: UnsafeMutablePointer<VerdictCode>
    /// The worker's clock when the call began, in ticks of `Clock`.
    public let now: UInt64
    @usableFromInline let worker: Unmanaged<Worker>
    @usableFromInline let nodeIndex: Int

    /// The packet in a buffer.
    @inlinable @inline(__always)
    public func packet(_ index: BufferIndex) -> Packet { Packet(headers + Int(index)) }

    /// The buffer of a packet.
    @inlinable @inline(__always)
    public func index(of packet: Packet) -> BufferIndex { BufferIndex(truncatingIfNeeded: packet.pointer - headers) }

    /// Begins to fetch a buffer's metadata.
    @inlinable @inline(__always)
    public func prefetchHeader(_ index: BufferIndex) { CMartletLinux_prefetchForWrite(headers + Int(index)) }

    /// Writes the verdict about the packet at `position` of the frame; for nodes that implement `process`.
    @inlinable @inline(__always)
    public func decide<Next, Reason>(_ position: Int, _ verdict: Verdict<Next, Reason>) {
        verdicts[position] = verdict.code
    }

    /// Writes a trace record for a traced packet; for nodes that implement `process`.
    @inlinable
    public func record<Trace: TraceRecord>(_ trace: Trace, _ verdict: VerdictCode, for packet: Packet) {
        // Of a value without any bytes, Swift 6.3's optimiser hands out an undefined window.
        guard MemoryLayout<Trace>.size > 0 else {
            return recordBytes(UnsafeRawBufferPointer(start: nil, count: 0), verdict, packet)
        }
        withUnsafeBytes(of: trace) { recordBytes($0, verdict, packet) }
    }

    /// Writes a trace record with a verdict of the node's own kind.
    @inlinable
    public func record<Trace: TraceRecord, Next, Reason>(
        _ trace: Trace, _ verdict: Verdict<Next, Reason>, for packet: Packet
    ) {
        record(trace, verdict.code, for: packet)
    }

    /// Never inlined: the tracing must not blow up the loops that do not trace.
    @usableFromInline @inline(never)
    func recordBytes(_ bytes: UnsafeRawBufferPointer, _ verdict: VerdictCode, _ packet: Packet) {
        worker._withUnsafeGuaranteedRef { $0.record(bytes, verdict, packet, node: nodeIndex, now: now) }
    }
}
