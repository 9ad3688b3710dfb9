// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Tells the sender of an IP packet under labels what became of it on its label-switched path, and drops the packet by
/// name; what is too long and may be cut goes on in fragments.
///
/// Summary: makes an ICMP error about the packet below the labels; the error about an expired label carries the stack with
/// which it came. It is routed straight to the sender if the stack was one label and a route leads to the sender; else it goes
/// on along the path with the packet's own labels, whose end knows the sender.
/// Expects: a label at the current position and a request (`Packet.requestMPLSError`).
/// Emits: to `ip4-lookup` or `ip6-lookup`, `mpls-lookup` or `mpls-rewrite` the error, as the router's own packet, from an
/// address of the port by which the old packet came; to `ip4-fragment` an IPv4 packet that is too long and may be cut, with its
/// stack in front.
/// Drops: every other packet that comes in: for the request's reason, or for the reason that kept the error back.
/// Spec: RFC 3032 sections 2.3, 2.4, 3.4 to 3.6; RFC 4884, RFC 4950; RFC 792, RFC 4443.
struct MPLSICMPError: ContextualNode {
    static let name = "mpls-icmp-error"

    enum Next: UInt16, NextNode {
        case ip4Lookup, ip6Lookup, lookup, rewrite, fragment

        var node: String {
            switch self {
            case .ip4Lookup: "ip4-lookup"
            case .ip6Lookup: "ip6-lookup"
            case .lookup: "mpls-lookup"
            case .rewrite: "mpls-rewrite"
            case .fragment: "ip4-fragment"
            }
        }
    }

    enum Reason: UInt16, DropReason {
        // In the order of `MPLSErrorRequest`: the error was sent.
        case ttlExpired, tooLong
        // It was not, and why.
        case notIp, notTold, ownPacket, rateLimited, noAddress, noBuffer, badStack

        var text: String {
            switch self {
            case .ttlExpired: "the label's time to live ran out"
            case .tooLong: "longer with its labels than the next link takes"
            case .notIp: "no ICMP error: no IP packet below the labels"
            case .notTold: "no ICMP error: about an error, a later fragment, or not from or to one host"
            case .ownPacket: "the router's own packet could not be sent"
            case .rateLimited: "no ICMP error: too many in a short time"
            case .noAddress: "no ICMP error: the interface it came by has no address of the family"
            case .noBuffer: "no ICMP error: no free buffer"
            case .badStack: "no ICMP error: the label stack has no end, or more labels than any path has"
            }
        }
    }

    struct Trace: TraceRecord {
        var request = MPLSErrorRequest(.ttlExpired)
        var labelCount: UInt8 = 0
        var isAlongPath = false

        init() {}

        var description: String {
            "\(request.kind), \(labelCount) labels, told \(isAlongPath ? "along the path" : "straight")"
        }
    }

    private let tables: TableReaders
    private let addresses: PrimaryAddressTable
    private var budget: ICMPErrorBudget

    init(tables: TableReaders, addresses: PrimaryAddressTable, settings: Published<ICMPSettings>.Reader) {
        self.tables = tables
        self.addresses = addresses
        budget = ICMPErrorBudget(settings)
    }

    mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        let request = packet.requestedMPLSError
        trace.request = request
        guard let stack = MPLSICMPError.stack(packet.bytes) else { return .drop(.badStack) }
        trace.labelCount = UInt8(truncatingIfNeeded: stack.count / MPLSView.length)
        guard !packet.header.flags.contains(.locallyOriginated) else { return .drop(.ownPacket) }
        let payload = packet.bytes.dropping(first: stack.count)
        guard payload.count > 0 else { return .drop(.notIp) }
        switch payload.load(at: 0, as: UInt8.self) &>> 4 {
        case 4: return decideIPv4(packet, payload, stack, request, &trace, context)
        case 6: return decideIPv6(packet, payload, stack, request, &trace, context)
        default: return .drop(.notIp)
        }
    }

    private mutating func decideIPv4(
        _ packet: Packet, _ payload: Bytes, _ stack: Bytes, _ request: MPLSErrorRequest, _ trace: inout Trace,
        _ context: Context
    ) -> Verdict<Next, Reason> {
        guard let header = IPv4View(payload), header.headerLength >= IPv4View.minimumLength, header.isChecksumRight,
            header.totalLength >= header.headerLength, header.totalLength <= payload.count
        else { return .drop(.notIp) }
        if request.kind == .tooLong, !header.dontFragment, request.explains(header.totalLength, below: stack) {
            return cut(packet, header, stack, request)
        }
        let result = tables.ultimateRoute(to: header.source, for: packet)
        let isStraight = MPLSICMPError.isStraight(result, stack, request)
        trace.isAlongPath = !isStraight
        let policy = ICMPErrorPolicy(tables: tables)
        guard policy.objection(to: packet, header, knowsAddresses: isStraight) == nil else { return .drop(.notTold) }
        guard request.explains(header.totalLength, below: stack) else { return .drop(.notTold) }
        let source = addresses[packet.header.rxInterface]
        guard source != .any else { return .drop(.noAddress) }
        guard budget.take(UInt64(header.source.value), context.now) else {
            return .drop(.rateLimited)
        }
        guard let error = context.allocate() else { return .drop(.noBuffer) }
        let quote = payload.prefix(header.totalLength)
        if request.kind == .ttlExpired {
            IP4ICMPError.write(.timeExceeded, about: quote, from: source, to: header.source, labels: stack, into: error)
        } else {
            let mtu = UInt16(truncatingIfNeeded: request.mtu(below: stack))
            let message = IP4ICMPError.message(.fragmentationNeeded, mtu)
            IP4ICMPError.write(message, about: quote, from: source, to: header.source, into: error)
        }
        send(error, about: packet, stack, request, isStraight ? .ip4Lookup : nil, context)
        return .drop(request.reason)
    }

    /// Fragments come back to `mpls-rewrite`, each below the whole stack; padding behind the packet stays here.
    private func cut(
        _ packet: Packet, _ header: IPv4View, _ stack: Bytes, _ request: MPLSErrorRequest
    ) -> Verdict<Next, Reason> {
        packet.advance(stack.count)
        packet.truncate(to: header.totalLength)
        packet.requestFragments(.labelled, mtu: request.mtu(below: stack), stackLength: stack.count)
        return .to(.fragment)
    }

    private mutating func decideIPv6(
        _ packet: Packet, _ payload: Bytes, _ stack: Bytes, _ request: MPLSErrorRequest, _ trace: inout Trace,
        _ context: Context
    ) -> Verdict<Next, Reason> {
        guard let header = IPv6View(payload), header.totalLength <= payload.count else { return .drop(.notIp) }
        let result = tables.ultimateRoute(to: header.source, for: packet)
        let isStraight = MPLSICMPError.isStraight(result, stack, request)
        trace.isAlongPath = !isStraight
        let policy = ICMPv6ErrorPolicy(tables: tables)
        let isTooLong = request.kind == .tooLong
        let objection = policy.objection(
            to: packet, header, isTooLong ? .packetTooBig : .timeExceeded, knowsAddresses: isStraight)
        guard objection == nil, !header.source.isLinkLocal, request.explains(header.totalLength, below: stack) else {
            return .drop(.notTold)
        }
        let source = addresses.ip6(packet.header.rxInterface)
        guard !source.isUnspecified, !source.isLinkLocal else { return .drop(.noAddress) }
        let receiver = header.source.high ^ header.source.low
        guard budget.take(receiver, context.now) else { return .drop(.rateLimited) }
        guard let error = context.allocate() else { return .drop(.noBuffer) }
        let quote = payload.prefix(header.totalLength)
        if isTooLong {
            let message = ICMPv6Message.packetTooBig(mtu: request.mtu(below: stack))
            IP6ICMPError.write(message, about: quote, from: source, to: header.source, into: error)
        } else {
            IP6ICMPError.write(.timeExceeded, about: quote, from: source, to: header.source, labels: stack, into: error)
        }
        send(error, about: packet, stack, request, isStraight ? .ip6Lookup : nil, context)
        return .drop(request.reason)
    }

    /// Below more labels than one there is another network's packet, whose addresses mean nothing here. Below one it is most
    /// often this network's; a router within the path may still know no way back (RFC 3032 section 2.3).
    private static func isStraight(_ route: Forwarding, _ stack: Bytes, _ request: MPLSErrorRequest) -> Bool {
        // An expired label of the next router's came below one of this router's.
        let isOnly = stack.count == MPLSView.length && !(request.isOutgoing && request.kind == .ttlExpired)
        return isOnly && route.kind != .discard
    }

    // MARK: - Sending

    private func send(
        _ error: Packet, about packet: Packet, _ stack: Bytes, _ request: MPLSErrorRequest, _ straight: Next?,
        _ context: Context
    ) {
        error.header.rxInterface = packet.header.rxInterface
        error.header.txInterface = packet.header.txInterface
        error.header.flags.formUnion(packet.header.flags.intersection(.hasTable))
        if let straight { return context.start(error, on: straight) }
        // What the router sends starts with a full time to live, at each level of the path.
        error.rewind(stack.count)
        for offset in stride(from: 0, to: stack.count, by: MPLSView.length) {
            error.bytes.storeNetwork(stack.network(at: offset, as: UInt32.self) | 0xff, at: offset)
        }
        error.header.adjacency = packet.header.adjacency
        context.start(error, on: request.isOutgoing ? Next.rewrite : Next.lookup)
    }

    /// More labels than these are no path's.
    private static var mostLabels: Int { 16 }

    /// The label stack at the beginning; nil when it does not end in time.
    private static func stack(_ bytes: Bytes) -> Bytes? {
        for count in 1...mostLabels {
            guard bytes.count >= count &* MPLSView.length else { return nil }
            let entry = MPLSEntry(rawValue: bytes.network(at: (count &- 1) &* MPLSView.length))
            if entry.isBottom { return bytes.prefix(count &* MPLSView.length) }
        }
        return nil
    }
}
