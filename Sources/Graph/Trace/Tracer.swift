// SPDX-License-Identifier: Apache-2.0

/// One worker's packet trace: what each node that a traced packet met said about it.
///
/// Belongs to the worker's thread; the control side reads it through `Worker.perform`.
final class Tracer {
    /// One node's word about one packet.
    struct Record {
        static let byteCapacity = 56

        var handle: UInt32
        var node: UInt16
        var verdict: VerdictCode
        var clock: UInt64
        var rxInterface: InterfaceIndex
        var txInterface: InterfaceIndex
        var length: UInt32
        var reason: UInt16
        var bytes: InlineArray<56, UInt8>
    }

    static let capacity = 32_768

    private(set) var records: [Record] = []
    private(set) var lost = 0
    private var nextHandle: UInt32 = 1
    var filter: PacketFilter?

    /// Makes room, once, before the first packet is traced.
    func prepare() { records.reserveCapacity(Tracer.capacity) }

    func clear() {
        records.removeAll(keepingCapacity: true)
        lost = 0
    }

    func newHandle() -> UInt32 {
        defer { nextHandle &+= 1 }
        return nextHandle
    }

    func append(_ record: Record) {
        guard records.count < Tracer.capacity else {
            lost += 1
            return
        }
        records.append(record)
    }
}

extension Worker {
    /// Marks packets that enter `runtime`'s node, as long as its budget lasts and the filter likes them.
    func beginTraces(_ frame: Frame, _ runtime: UnsafeMutablePointer<NodeRuntime>, _ context: Context) {
        for position in 0..<frame.count where runtime.pointee.traceBudget > 0 {
            let packet = context.packet(frame[position])
            guard !packet.isTraced, tracer.filter?.matches(packet.frameBytes) ?? true else { continue }
            runtime.pointee.traceBudget -= 1
            packet.header.flags.insert(.traced)
            packet.header.traceHandle = tracer.newHandle()
            frame.isTraced = true
        }
        // An input node decides about nothing: its word is that the packet came.
        guard frame.isTraced, runtime.pointee.input != nil else { return }
        for position in 0..<frame.count {
            let packet = context.packet(frame[position])
            if packet.isTraced { context.record(NoTrace(), 0, for: packet) }
        }
    }

    func record(
        _ bytes: UnsafeRawBufferPointer, _ verdict: VerdictCode, _ packet: Packet, node: Int, now: UInt64
    ) {
        var record = Tracer.Record(
            handle: packet.header.traceHandle, node: UInt16(truncatingIfNeeded: node), verdict: verdict, clock: now,
            rxInterface: packet.header.rxInterface, txInterface: packet.header.txInterface,
            length: packet.header.length,
            reason: packet.header.reason, bytes: InlineArray(repeating: 0))
        let count = min(bytes.count, Tracer.Record.byteCapacity)
        withUnsafeMutableBytes(of: &record.bytes) { $0.copyBytes(from: bytes.prefix(count)) }
        tracer.append(record)
    }
}
