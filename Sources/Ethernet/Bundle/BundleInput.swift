// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Has the frames of a bundle's members be the bundle's, and takes out what the links say to each other.
///
/// Summary: whether the member collects; then the frame goes on as received by the bundle, whose own features on
/// `device-input` come next. Both count it.
/// Expects: frames as received, as the last feature of `device-input` on each member.
/// Emits: the bundle's frames; marker PDUs' answers on the member that brought them; LACPDUs to the control side.
/// Drops: `truncated`; `notCollecting`; each kind of slow-protocol frame that goes nowhere, by name.
/// Spec: IEEE 802.1AX-2014 clauses 6.2.7, 6.4.2, 6.5; IEEE 802.3 Annex 57A.
struct BundleInput: Node {
    static let name = "bundle-input"

    enum Next: UInt16, NextNode {
        case ethernet, output

        var node: String {
            switch self {
            case .ethernet: "ethernet-input"
            case .output: InterfaceOutput.name
            }
        }
    }

    enum Reason: UInt16, DropReason {
        case truncated, notCollecting, notMember, slowProtocolAddress, slowProtocolUnknown, lacpTruncated, lacpMalformed
        case lacpOff, markerTruncated, markerUnexpected, throttled, queueFull

        var text: String {
            switch self {
            case .truncated: "the frame is shorter than its Ethernet header"
            case .notCollecting: "by a member that the bundle does not use now"
            case .notMember: "the interface is no member of a bundle"
            case .slowProtocolAddress: "a slow protocol's frame that is not to 01:80:c2:00:00:02"
            case .slowProtocolUnknown: "a slow protocol that is neither LACP nor marker"
            case .lacpTruncated: "the LACPDU is shorter than 110 bytes"
            case .lacpMalformed: "a part of the LACPDU has a wrong length"
            case .lacpOff: "an LACPDU on a bundle without LACP"
            case .markerTruncated: "the marker PDU is shorter than 110 bytes"
            case .markerUnexpected: "a marker PDU that is no request"
            case .throttled: "too many frames of slow protocols in a short time"
            case .queueFull: "the control side is too slow for the packets to it"
            }
        }
    }

    struct Trace: TraceRecord {
        var member: InterfaceIndex = 0
        var bundle: InterfaceIndex = 0

        init() {}

        var description: String { "member \(member), bundle \(bundle)" }
    }

    /// The standard allows ten a second of each protocol.
    private static let rate = TokenRate(perSecond: 20, burst: 20)

    private let interfaces: InterfaceTable
    private let table: BundleTable
    private let lacp: ProcessIndex
    private let counters: InterfaceCounterSlot
    private var buckets = TokenBuckets()

    init(_ seat: Seat, _ table: BundleTable, lacp: ProcessIndex) {
        interfaces = seat.interfaces
        counters = seat.interfaceCounters
        self.table = table
        self.lacp = lacp
    }

    mutating func process(_ frame: Frame, _ context: Context) {
        let indices = frame.indices
        let isTraced = frame.isTraced
        for position in 0..<frame.count {
            // Stale entries stand behind the last one: prefetching for them is harmless.
            context.prefetchHeader(indices[position &+ 8])
            context.packet(indices[position &+ 4]).prefetchData()
            let packet = context.packet(indices[position])
            var trace = Trace()
            // Before the decision: it may free the packet.
            let leavesTrace = isTraced && packet.isTraced
            let verdict = decide(packet, &trace, context)
            context.decide(position, verdict)
            if leavesTrace { context.record(trace, verdict, for: packet) }
        }
    }

    @inline(__always)
    private mutating func decide(
        _ packet: Packet, _ trace: inout Trace, _ context: Context
    ) -> Verdict<Next, Reason> {
        let bytes = packet.bytes
        guard bytes.count >= EthernetView.length else { return .drop(.truncated) }
        let member = packet.header.rxInterface
        let place = table[place: member]
        guard place.isMember else { return .drop(.notMember) }
        trace.member = member
        if bytes.network(at: 12, as: UInt16.self) == EtherType.slowProtocols.rawValue {
            return decideSlow(packet, place, context)
        }
        let status = table[place.bundle].status
        guard status.receiving >> UInt8(truncatingIfNeeded: place.member) & 1 == 1 else {
            return .drop(.notCollecting)
        }
        let bundle = table[place.bundle].interface
        trace.bundle = bundle
        packet.header.rxInterface = bundle
        counters.countReceived(bytes: bytes.count, interface: bundle)
        return .to(.ethernet)
    }

    @inline(never)
    private mutating func decideSlow(
        _ packet: Packet, _ place: BundlePlace, _ context: Context
    ) -> Verdict<Next, Reason> {
        let frame = packet.bytes
        let pdu = frame.dropping(first: EthernetView.length)
        guard MACAddress(frame, at: 0) == SlowProtocols.group else { return .drop(.slowProtocolAddress) }
        let subtype = pdu.count > 0 ? pdu.load(at: 0, as: UInt8.self) : 0
        switch subtype {
        case SlowProtocols.lacp:
            guard let view = LACPView(pdu) else { return .drop(.lacpTruncated) }
            guard view.isWellFormed else { return .drop(.lacpMalformed) }
            guard table[place.bundle].hasLACP else { return .drop(.lacpOff) }
            guard buckets.take(UInt64(place.word), context.now, BundleInput.rate) else { return .drop(.throttled) }
            guard context.punt(packet, to: lacp) else { return .drop(.queueFull) }
            context.free(packet)
            return .kept
        case SlowProtocols.marker:
            guard let view = MarkerView(pdu) else { return .drop(.markerTruncated) }
            guard view.isRequest else { return .drop(.markerUnexpected) }
            guard buckets.take(~UInt64(place.word), context.now, BundleInput.rate) else { return .drop(.throttled) }
            view.answer()
            let member = packet.header.rxInterface
            MACAddress(littleEndian: interfaces[member].mac).emit(into: frame, at: 6)
            packet.header.txInterface = member
            packet.header.flags.insert(.locallyOriginated)
            return .to(.output)
        default:
            return .drop(.slowProtocolUnknown)
        }
    }
}
