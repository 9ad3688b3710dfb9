// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Answers solicitations for the router's addresses, and passes what it is told to the control side.
///
/// Summary: solicitations for the router's own addresses, tentative ones included, advertisements, and what hosts and
/// routers tell of routers.
/// Expects: an ICMPv6 packet at its IPv6 header, its type one of the five of neighbor discovery.
/// Emits: advertisements of the first addresses of an interface to neighbours, even while the control side stands still; the
/// control side answers for other addresses, and who has yet to be judged.
/// Drops: each failed check by name; `notForUs` for what other neighbours ask each other; `redirect`, which routers ignore.
/// Spec: RFC 4861 sections 6.1, 7.1, 8.1; RFC 4862 section 5.4; RFC 6980.
public struct NDInput: ContextualNode {
    public static let name = "nd-input"

    public enum Next: UInt16, NextNode {
        case output

        public var node: String { "interface-output" }
    }

    public enum Reason: UInt16, DropReason {
        // In the order of `NDProblem`.
        case hopLimit, fragmented, truncated, badChecksum, badCode, unknownType, emptyOption, truncatedOption
        case multicastTarget, unspecifiedSource, stationOfUnspecified, solicitedByGroup, sourceNotLinkLocal
        case redirectTarget
        case notForUs, redirect, throttled, queueFull

        public var text: String {
            switch self {
            case .hopLimit: "the hop limit is not 255: it may come from beyond the link"
            case .fragmented: "neighbor discovery in fragments"
            case .truncated: "the message is shorter than its type"
            case .badChecksum: "the ICMPv6 checksum is wrong"
            case .badCode: "the code is not 0"
            case .unknownType: "no message of neighbor discovery"
            case .emptyOption: "an option of length 0"
            case .truncatedOption: "an option reaches beyond the end"
            case .multicastTarget: "the target is a multicast address"
            case .unspecifiedSource: "from :: to no solicited-node group"
            case .stationOfUnspecified: "from :: with a source link-layer address"
            case .solicitedByGroup: "an advertisement that was solicited, but sent to a group"
            case .sourceNotLinkLocal: "the source is not link-local"
            case .redirectTarget: "the target is neither link-local nor the destination"
            case .notForUs: "about no address of this interface"
            case .redirect: "a router follows no redirects"
            case .throttled: "too many messages in a short time"
            case .queueFull: "the control side is too slow for the packets to it"
            }
        }
    }

    public struct Trace: TraceRecord {
        var source = IPv6Address.any
        var target = IPv6Address.any
        var type: UInt8 = 0

        public init() {}

        public var description: String {
            let target = target.isUnspecified ? "" : " of \(target)"
            return "\(ICMPv6Type(rawValue: type))\(target) from \(source)"
        }
    }

    private static let rate = TokenRate(perSecond: 5000, burst: 1024)

    private let answer: NeighborAnswer
    private let addresses: PrimaryAddressTable
    private let neighbors: ProcessIndex
    private var bucket = TokenBucket()

    init(answer: NeighborAnswer, addresses: PrimaryAddressTable, neighbors: ProcessIndex) {
        self.answer = answer
        self.addresses = addresses
        self.neighbors = neighbors
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        guard let header = IPv6View(packet.bytes) else { return .drop(.truncated) }
        trace.source = header.source
        // RFC 6980 section 5, whatever it was put together to.
        guard !packet.header.flags.contains(.reassembled) else { return .drop(.fragmented) }
        let message: NDView
        do throws(NDProblem) {
            message = try NDView(validating: header.upperLayer, of: header)
            trace.type = message.type.rawValue
            if message.type == .neighborSolicitation || message.type == .neighborAdvertisement {
                trace.target = message.target
            }
            if let reason = objection(to: message, packet) { return .drop(reason) }
        } catch {
            return .drop(Reason(rawValue: UInt16(error.rawValue)) ?? .truncated)
        }
        guard bucket.take(context.now, NDInput.rate) else { return .drop(.throttled) }
        let isAnswered = answer(message, header, packet, context)
        let note = NeighborMessage(isAnswered ? .answeredDiscovery : .discovery, about: packet)
        guard context.punt(packet, to: neighbors, note: note.rawValue) else { return .drop(.queueFull) }
        context.free(packet)
        return .kept
    }

    /// Tells a neighbour where an own address is (RFC 4861 section 7.2.4); false when that is left to the control side.
    private func answer(_ message: NDView, _ header: IPv6View, _ packet: Packet, _ context: Context) -> Bool {
        let interface = packet.header.rxInterface
        let own = answer.station(of: interface)
        guard message.type == .neighborSolicitation, addresses.speaks(interface, by: message.target),
            !header.source.isUnspecified, answer.isNeighbor(.v6(header.source), packet),
            let link = EthernetView(packet.frameBytes), link.source != own
        else { return false }
        let told = message.sourceStation.flatMap { $0.isStation ? $0 : nil }
        let advertisement = NeighborAdvertisement(
            target: message.target, station: own, isRouter: true, isSolicited: true, isOverriding: true)
        let length = IPv6View.length + advertisement.length
        guard let frame = answer.frame(.ipv6, to: told ?? link.source, on: interface, length: length, context) else {
            return false
        }
        let bytes = frame.bytes.dropping(first: EthernetView.length)
        IPv6Header(
            source: message.target, destination: header.source, nextHeader: .icmp6, payloadLength: advertisement.length,
            hopLimit: 255
        ).emit(into: bytes)
        advertisement.emit(
            into: bytes.dropping(first: IPv6View.length), source: message.target, destination: header.source)
        context.start(frame, on: Next.output)
        return true
    }

    /// Why a right message does not concern the router.
    private func objection(to message: NDView, _ packet: Packet) -> Reason? {
        switch message.type {
        case .redirect: return .redirect
        case .neighborSolicitation:
            let interface = packet.header.rxInterface
            let result = answer.tables.route(to: message.target, for: packet)
            // An address that is still tentative belongs to no interface as yet: the control side knows which.
            if result == .tentative { return nil }
            let isOurs = result.kind == .local && result.index >= Forwarding.firstAdjacency
            return isOurs && answer.adjacencies[result.index].txInterface == interface ? nil : .notForUs
        default: return nil
        }
    }
}
