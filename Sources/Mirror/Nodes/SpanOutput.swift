// SPDX-License-Identifier: Apache-2.0
import Graph

/// Copies what an interface sends, for the monitor sessions that watch it.
///
/// Summary: right ahead of the device, when nothing changes any more.
/// Expects: complete frames on the feature arc `interface-output`; tags tell the sub-interfaces among the sources.
/// Emits: the frames, untouched, to the next feature; copies with a `CopyNote` to the sessions' destinations.
/// Drops: nothing. Copies that cannot be made are counted: `noBuffer`, `rateExceeded`, `destinationDown`, `tooLong`,
/// `notWritten`.
/// Config: `monitor-sessions`, `interfaces.NAME.monitor-session`.
public struct SpanOutput: Node {
    public typealias Next = CopyNext
    public typealias Reason = CopyLoss
    public typealias Trace = CopyTrace

    public static let name = "span-output"

    private var copier: Copier

    init(_ seat: Seat, _ tables: MirrorTables) { copier = Copier(seat, tables, .tx) }

    public mutating func process(_ frame: Frame, _ context: Context) {
        copier.process(frame, context) { $0.header.txInterface }
    }
}
