// SPDX-License-Identifier: Apache-2.0

/// One step of the packet's way: a small struct with one decision in it. The engine owns the loop.
///
/// A worker has an instance of its own of every node, so a node's state needs no synchronisation. Nodes run on worker threads:
/// `decide` neither allocates nor locks nor touches references; what it needs from the control side are tables, published
/// through trivially copyable readers.
///
/// A node that is a feature continues with `.nextFeature`. Most nodes implement `decide` alone. One whose work is a bulk
/// operation (a lookup that wants several cache misses in flight, a device's transmit) implements `process` itself and writes the same
/// verdicts.
public protocol Node: SendableMetatype {
    associatedtype Next: NextNode = NoNext
    associatedtype Reason: DropReason = NoReason
    associatedtype Trace: TraceRecord = NoTrace

    /// Unique in the graph, in kebab case: "ip4-input".
    static var name: String { get }

    /// Brings what `decide` will touch towards the core; called some packets ahead.
    func prefetch(_ packet: Packet)

    /// Decides about one packet. What it used goes into `trace`, which costs nothing when the packet is not traced.
    mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason>

    /// Decides about a frame: one verdict per packet into the context.
    ///
    /// A requirement, not just an extension, so that each conformance gets its own specialised copy in its own module.
    mutating func process(_ frame: Frame, _ context: Context)

    /// A timer of this node has fired (`Context.schedule`), or the control side has something for it (`Engine.post`).
    mutating func wake(_ token: UInt64, _ context: Context)
}

extension Node {
    @inlinable @inline(__always)
    public func prefetch(_ packet: Packet) {}

    public mutating func wake(_ token: UInt64, _ context: Context) {}

    @inlinable
    public mutating func process(_ frame: Frame, _ context: Context) {
        if frame.isTraced {
            decideEach(frame, context, traced: true)
        } else {
            decideEach(frame, context, traced: false)
        }
    }

    @inlinable @inline(__always)
    mutating func decideEach(_ frame: Frame, _ context: Context, traced: Bool) {
        let indices = frame.indices
        let verdicts = context.verdicts
        let count = frame.count
        for position in 0..<count {
            // Stale entries stand behind the last one: prefetching for them is harmless and saves a branch.
            context.prefetchHeader(indices[position &+ 8])
            prefetch(context.packet(indices[position &+ 4]))
            let packet = context.packet(indices[position])
            var trace = Trace()
            let verdict = decide(packet, &trace)
            verdicts[position] = verdict.code
            if traced, packet.isTraced { context.record(trace, verdict.code, for: packet) }
        }
    }

    /// For nodes that implement `process` themselves and have no single decision.
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        preconditionFailure("\(Self.name) decides about whole frames")
    }
}

/// What a node saw and used when it decided about a traced packet: at most 56 bytes, no references.
public protocol TraceRecord: BitwiseCopyable, CustomStringConvertible, SendableMetatype {
    init()
}

/// For nodes that have nothing to tell but that the packet came by.
public struct NoTrace: TraceRecord {
    @inlinable
    public init() {}
    public var description: String { "" }
}
