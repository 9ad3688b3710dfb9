// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Tells a packet's sender what became of it, where that is allowed, and drops the packet by name.
///
/// Summary: makes a new packet with an ICMP error that quotes the old one, 576 bytes in all at most.
/// Expects: an IPv4 header at the current position and a request (`Packet.requestICMPError`).
/// Emits: the error, as the router's own packet, from the address of the port by which the old packet came.
/// Drops: every packet that comes in: for the request's reason, or for the reason that kept the error back.
/// Spec: RFC 792; RFC 1812 sections 4.3.2, 5.2.7; RFC 1191 section 4; RFC 1122 section 3.2.2.
public struct IP4ICMPError: ContextualNode {
    public static let name = "ip4-icmp-error"

    public enum Next: UInt16, NextNode {
        case lookup

        public var node: String { "ip4-lookup" }
    }

    public enum Reason: UInt16, DropReason {
        // In the order of `ICMPErrorRequest`: the error was sent.
        case noRoute, hostUnreachable, prohibited, protocolUnreachable, portUnreachable, fragmentationNeeded
        case ttlExpired, parameterProblem, nextHopDown, reassemblyTimeExceeded
        // It was not, and why.
        case toManyStations, toManyHosts, laterFragment, aboutIcmpError, fromNoHost, ownPacket, rateLimited, noAddress
        case noBuffer, truncated

        public var text: String {
            switch self {
            case .noRoute: "no route to the destination"
            case .hostUnreachable: "the destination, or the next hop to it, does not answer"
            case .prohibited: "forwarding is administratively prohibited"
            case .protocolUnreachable: "nobody here handles this protocol"
            case .portUnreachable: "nobody listens on this UDP port"
            case .fragmentationNeeded: "too long for the next link, and must not be fragmented"
            case .ttlExpired: "the time to live ran out"
            case .parameterProblem: "the IPv4 header has a malformed option"
            case .nextHopDown: "there are routes to the destination, and the next hop of none can be used"
            case .reassemblyTimeExceeded: "a first fragment whose others did not come in time"
            case .toManyStations: "no ICMP error: came in a link-layer broadcast, multicast or another station's frame"
            case .toManyHosts: "no ICMP error: to a broadcast or multicast address"
            case .laterFragment: "no ICMP error: not the first fragment"
            case .aboutIcmpError: "no ICMP error: about an ICMP error"
            case .fromNoHost: "no ICMP error: the source is not one other host"
            case .ownPacket: "the router's own packet could not be sent"
            case .rateLimited: "no ICMP error: too many in a short time"
            case .noAddress: "no ICMP error: the interface it came by has no address"
            case .noBuffer: "no ICMP error: no free buffer"
            case .truncated: "the packet is shorter than an IPv4 header"
            }
        }
    }

    public struct Trace: TraceRecord {
        var request: ICMPErrorRequest = .networkUnreachable
        var parameter: UInt16 = 0
        var receiver: UInt32 = 0

        public init() {}

        public var description: String { "\(request) to \(IPv4Address(receiver)), parameter \(parameter)" }
    }

    /// The longest error, bytes (RFC 1812 section 4.3.2.3).
    static let longest = 576
    static let timeToLive: UInt8 = 255
    /// Precedence 6, internetwork control (RFC 1812 section 4.3.2.5).
    static let trafficClass: UInt8 = 0xc0

    private let policy: ICMPErrorPolicy
    private let addresses: PrimaryAddressTable
    private var budget: ICMPErrorBudget

    init(tables: TableReaders, addresses: PrimaryAddressTable, settings: Published<ICMPSettings>.Reader) {
        policy = ICMPErrorPolicy(tables: tables)
        self.addresses = addresses
        budget = ICMPErrorBudget(settings)
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        let (request, parameter) = packet.requestedICMPError
        guard let header = IPv4View(packet.bytes) else { return .drop(.truncated) }
        trace.request = request
        trace.parameter = parameter
        trace.receiver = header.source.value
        guard !packet.header.flags.contains(.locallyOriginated) else { return .drop(.ownPacket) }
        if let objection = policy.objection(to: packet, header) { return .drop(objection) }
        let source = addresses[packet.header.rxInterface]
        guard source != .any else { return .drop(.noAddress) }
        guard budget.take(UInt64(header.source.value), context.now) else { return .drop(.rateLimited) }
        guard let error = context.allocate() else { return .drop(.noBuffer) }
        let message = IP4ICMPError.message(request, parameter)
        IP4ICMPError.write(message, about: packet.bytes, from: source, to: header.source, into: error)
        error.takeTable(from: packet)
        context.start(error, on: Next.lookup)
        return .drop(Reason(rawValue: UInt16(request.rawValue)) ?? .noRoute)
    }

    /// Fills an empty buffer with the error and makes it the router's own.
    /// - Parameter labels: The label stack above the packet, told behind a shorter quote (RFC 4950).
    static func write(
        _ message: ICMPv4Message, about packet: Bytes, from source: IPv4Address, to receiver: IPv4Address,
        labels: Bytes? = nil, into error: Packet
    ) {
        let headers = IPv4Header.length + ICMPv4View.length
        let quote = ICMPQuote(of: packet, atMost: IP4ICMPError.longest - headers, labels: labels)
        error.truncate(to: headers + quote.length)
        let bytes = error.bytes
        quote.emit(into: bytes.dropping(first: headers))
        var message = message
        if labels != nil { message.rest |= ICMPLabelStack.ip4Length }
        message.emit(into: bytes.dropping(first: IPv4Header.length))
        // The quoted packet's own identification: nothing to count, nothing that tells others how much is sent.
        IPv4Header(
            source: source, destination: receiver, protocol: .icmp, payloadLength: ICMPv4View.length + quote.length,
            timeToLive: IP4ICMPError.timeToLive, trafficClass: IP4ICMPError.trafficClass,
            identification: packet.network(at: 4, as: UInt16.self)
        ).emit(into: bytes)
        error.header.flags.insert(.locallyOriginated)
    }

    static func message(_ request: ICMPErrorRequest, _ parameter: UInt16) -> ICMPv4Message {
        switch request {
        case .networkUnreachable: .unreachable(.net)
        case .hostUnreachable, .nextHopDown: .unreachable(.host)
        case .prohibited: .unreachable(.administrativelyProhibited)
        case .protocolUnreachable: .unreachable(.protocol)
        case .portUnreachable: .unreachable(.port)
        case .fragmentationNeeded: .unreachable(.fragmentationNeeded, nextHopMTU: parameter)
        case .timeExceeded: .timeExceeded
        case .reassemblyTimeExceeded: .reassemblyTimeExceeded
        case .parameterProblem: .parameterProblem(pointer: UInt8(truncatingIfNeeded: parameter))
        }
    }
}
