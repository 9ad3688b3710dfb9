// SPDX-License-Identifier: Apache-2.0
import Graph

/// Copies what an interface receives, for the monitor sessions that watch it.
///
/// Summary: right behind the device, before any other feature.
/// Expects: complete frames on the feature arc `device-input`; tags tell the sub-interfaces among the sources.
/// Emits: the frames, untouched, to the next feature; copies with a `CopyNote` to the sessions' destinations.
/// Drops: nothing. Copies that cannot be made are counted: `noBuffer`, `rateExceeded`, `destinationDown`, `tooLong`,
/// `notWritten`.
/// Config: `monitor-sessions`, `interfaces.NAME.monitor-session`.
public struct SpanInput: Node {
    public typealias Next = CopyNext
    public typealias Reason = CopyLoss
    public typealias Trace = CopyTrace

    public static let name = "span-input"

    private var copier: Copier

    init(_ seat: Seat, _ tables: MirrorTables) { copier = Copier(seat, tables, .rx) }

    public mutating func process(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            context.prefetchHeader(frame[position &+ 8])
            context.packet(frame[position &+ 4]).prefetchData()
            let packet = context.packet(frame[position])
            let interface = packet.header.rxInterface
            let copies = copier.consider(packet, by: interface, context)
            context.decide(position, Verdict<Next, Reason>.nextFeature)
            if frame.isTraced, packet.isTraced { record(packet, interface, copies, context) }
        }
        copier.finish(context)
    }

    @inline(never)
    private func record(_ packet: Packet, _ interface: InterfaceIndex, _ copies: Int, _ context: Context) {
        var trace = CopyTrace()
        trace.interface = interface
        trace.copies = UInt32(truncatingIfNeeded: copies)
        context.record(trace, Verdict<Next, Reason>.nextFeature, for: packet)
    }
}
