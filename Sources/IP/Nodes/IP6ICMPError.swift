// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Tells a packet's sender what became of it, where that is allowed, and drops the packet by name.
///
/// Summary: makes a new packet with an ICMPv6 error that quotes the old one, 1,280 bytes in all at most.
/// Expects: an IPv6 header at the current position and a request (`Packet.requestICMPv6Error`).
/// Emits: the error, as the router's own packet, from the address that the old packet was sent to if that is the
/// router's, else from one of the port by which it came.
/// Drops: every packet that comes in: for the request's reason, or for the reason that kept the error back.
/// Spec: RFC 4443 sections 2.2, 2.4, 3; RFC 7112 section 5.
public struct IP6ICMPError: ContextualNode {
    public static let name = "ip6-icmp-error"

    public enum Next: UInt16, NextNode {
        case lookup

        public var node: String { "ip6-lookup" }
    }

    public enum Reason: UInt16, DropReason {
        // In the order of `ICMPv6ErrorRequest`: the error was sent.
        case noRoute, prohibited, beyondScope, addressUnreachable, portUnreachable, packetTooBig, hopLimitExceeded
        case badHeaderField, unknownNextHeader, unknownOption, unknownOptionToGroup, incompleteChain
        case nextHopDown, reassemblyTimeExceeded, badFragment
        // It was not, and why.
        case toManyStations, toManyHosts, laterFragment, aboutIcmpError, fromNoHost, ownPacket, rateLimited, noAddress
        case noBuffer, truncated

        public var text: String {
            switch self {
            case .noRoute: "no route to the destination"
            case .prohibited: "forwarding is administratively prohibited"
            case .beyondScope: "from a link-local address to beyond the link"
            case .addressUnreachable: "the destination, or the next hop to it, does not answer"
            case .portUnreachable: "nobody listens on this UDP port"
            case .packetTooBig: "too long for the next link"
            case .hopLimitExceeded: "the hop limit ran out"
            case .badHeaderField: "a header field with an impossible value"
            case .unknownNextHeader: "nobody here handles this next header"
            case .unknownOption: "an option that is not known, and wants the sender told"
            case .unknownOptionToGroup: "an option that is not known, and wants the sender told in any case"
            case .incompleteChain: "the first fragment does not hold all headers"
            case .nextHopDown: "there are routes to the destination, and the next hop of none can be used"
            case .reassemblyTimeExceeded: "a first fragment whose others did not come in time"
            case .badFragment: "a fragment whose length or offset cannot be right"
            case .toManyStations: "no ICMP error: came in a link-layer broadcast, multicast or another station's frame"
            case .toManyHosts: "no ICMP error: to a multicast address"
            case .laterFragment: "no ICMP error: not the first fragment"
            case .aboutIcmpError: "no ICMP error: about an ICMPv6 error or redirect"
            case .fromNoHost: "no ICMP error: the source is not one other host"
            case .ownPacket: "the router's own packet could not be sent"
            case .rateLimited: "no ICMP error: too many in a short time"
            case .noAddress: "no ICMP error: the interface it came by has no address"
            case .noBuffer: "no ICMP error: no free buffer"
            case .truncated: "the packet is shorter than an IPv6 header"
            }
        }
    }

    public struct Trace: TraceRecord {
        var request = ICMPv6ErrorRequest.noRoute
        var parameter: UInt32 = 0
        var receiver = IPv6Address.any

        public init() {}

        public var description: String { "\(request) to \(receiver), parameter \(parameter)" }
    }

    /// The longest error, bytes: what every link can carry (RFC 4443 section 2.4 c).
    static let longest = 1280
    static let hopLimit: UInt8 = 255
    /// Class selector 6, as that of IPv4's errors.
    static let trafficClass: UInt8 = 0xc0

    private let policy: ICMPv6ErrorPolicy
    private let sources: IPv6SourceChoice
    private var budget: ICMPErrorBudget

    init(tables: TableReaders, sources: IPv6SourceChoice, settings: Published<ICMPSettings>.Reader) {
        policy = ICMPv6ErrorPolicy(tables: tables)
        self.sources = sources
        budget = ICMPErrorBudget(settings)
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        let (request, parameter) = packet.requestedICMPv6Error
        guard let header = IPv6View(packet.bytes) else { return .drop(.truncated) }
        trace.request = request
        trace.parameter = parameter
        trace.receiver = header.source
        guard !packet.header.flags.contains(.locallyOriginated) else { return .drop(.ownPacket) }
        if let objection = policy.objection(to: packet, header, request) { return .drop(objection) }
        let source = sources.source(for: packet, header)
        guard !source.isUnspecified else { return .drop(.noAddress) }
        let receiver = header.source.high ^ header.source.low
        guard budget.take(receiver, context.now) else { return .drop(.rateLimited) }
        guard let error = context.allocate() else { return .drop(.noBuffer) }
        let message = request.message(parameter)
        IP6ICMPError.write(message, about: packet.bytes, from: source, to: header.source, into: error)
        error.takeTable(from: packet)
        context.start(error, on: Next.lookup)
        return .drop(Reason(rawValue: UInt16(request.rawValue)) ?? .noRoute)
    }

    /// Fills an empty buffer with the error and makes it the router's own.
    /// - Parameter labels: The label stack above the packet, told behind a shorter quote (RFC 4950).
    static func write(
        _ message: ICMPv6Message, about packet: Bytes, from source: IPv6Address, to receiver: IPv6Address,
        labels: Bytes? = nil, into error: Packet
    ) {
        let headers = IPv6View.length + ICMPv6View.length
        let quote = ICMPQuote(of: packet, atMost: IP6ICMPError.longest - headers, labels: labels)
        error.truncate(to: headers + quote.length)
        let bytes = error.bytes
        quote.emit(into: bytes.dropping(first: headers))
        var message = message
        if labels != nil { message.rest |= ICMPLabelStack.ip6Length }
        IPv6Header(
            source: source, destination: receiver, nextHeader: .icmp6, payloadLength: ICMPv6View.length + quote.length,
            hopLimit: IP6ICMPError.hopLimit, trafficClass: IP6ICMPError.trafficClass
        ).emit(into: bytes)
        message.emit(into: bytes.dropping(first: IPv6View.length), source: source, destination: receiver)
        error.header.flags.insert(.locallyOriginated)
    }
}
