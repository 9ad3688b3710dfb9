// SPDX-License-Identifier: Apache-2.0

/// A node that decides packet by packet and needs the engine's help in it: to start a packet of its own, to punt, or the
/// time. For nodes off the fast path; those on it implement `decide` or `process` themselves.
public protocol ContextualNode: Node {
    mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason>
    /// Called after the last packet of each frame.
    mutating func finish(_ context: Context)
}

extension ContextualNode {
    @inlinable
    public mutating func finish(_ context: Context) {}

    @inlinable
    public mutating func process(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            let packet = context.packet(frame[position])
            var trace = Trace()
            // Before the decision: it may free the packet.
            let isTraced = frame.isTraced && packet.isTraced
            let verdict = decide(packet, &trace, context)
            context.decide(position, verdict)
            if isTraced { context.record(trace, context.verdicts[position], for: packet) }
        }
        finish(context)
    }
}
