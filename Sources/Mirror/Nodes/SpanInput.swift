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
        copier.process(frame, context) { $0.header.rxInterface }
    }
}
