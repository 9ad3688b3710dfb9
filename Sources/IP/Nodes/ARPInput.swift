// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Answers ARP requests for the router's addresses, and passes what it is told to the control side.
///
/// Summary: requests for the port's own addresses, replies to the port, unasked news, claims to our addresses; with proxy
/// ARP, requests for others.
/// Expects: the current position behind the Ethernet header.
/// Emits: answers to neighbours and to those who probe an address before they take it, even while the control side stands
/// still; the control side answers who has yet to be judged.
/// Drops: each failed check by name; `notForUs` for what other stations ask each other.
/// Spec: RFC 826; RFC 1027; RFC 5227 sections 2.1.1, 2.4; RFC 1122 section 2.3.2.
public struct ARPInput: ContextualNode {
    public static let name = "arp-input"

    public enum Next: UInt16, NextNode {
        case output

        public var node: String { "interface-output" }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, notIpOverEthernet, badOperation, badSender, senderIsNotSource, notForUs, addressConflict
        case throttled, queueFull

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than an ARP packet"
            case .notIpOverEthernet: "hardware or protocol type or length is not that of IPv4 over Ethernet"
            case .badOperation: "neither a request nor a reply"
            case .badSender: "the sender's addresses are not those of one host"
            case .senderIsNotSource: "the sender's hardware address is not the frame's source"
            case .notForUs: "neither about nor for an address of this interface"
            case .addressConflict: "the sender claims an address of this router"
            case .throttled: "too many ARP packets in a short time"
            case .queueFull: "the control side is too slow for the packets to it"
            }
        }
    }

    public struct Trace: TraceRecord {
        var operation: UInt16 = 0
        var sender: UInt32 = 0
        var target: UInt32 = 0
        var senderMAC = MACAddress.zero

        public init() {}

        public var description: String {
            switch ARPOperation(rawValue: operation) {
            case .request: "who has \(IPv4Address(target))? tell \(IPv4Address(sender)) at \(senderMAC)"
            case .reply: "\(IPv4Address(sender)) is at \(senderMAC)"
            default: "operation \(operation)"
            }
        }
    }

    private static let rate = TokenRate(perSecond: 5000, burst: 1024)
    private static let proxyRate = TokenRate(perSecond: 1000, burst: 256)
    private static let conflictRate = TokenRate(perSecond: 1, burst: 2)

    private let answer: NeighborAnswer
    private let neighbors: ProcessIndex
    private var bucket = TokenBucket()
    private var proxies = TokenBucket()
    private var conflicts = TokenBucket()

    init(answer: NeighborAnswer, neighbors: ProcessIndex) {
        self.answer = answer
        self.neighbors = neighbors
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        guard let arp = ARPView(packet.bytes) else { return .drop(.truncated) }
        trace.operation = arp.operation.rawValue
        trace.sender = arp.senderIP.value
        trace.target = arp.targetIP.value
        trace.senderMAC = arp.senderMAC
        guard arp.isIPv4OverEthernet else { return .drop(.notIpOverEthernet) }
        guard arp.operation == .request || arp.operation == .reply else { return .drop(.badOperation) }
        guard arp.senderMAC.isStation, ARPInput.isOneHost(arp.senderIP) || arp.isProbe else { return .drop(.badSender) }
        guard let frame = EthernetView(packet.frameBytes), frame.source == arp.senderMAC else {
            return .drop(.senderIsNotSource)
        }
        if owner(of: arp.senderIP, packet) != nil {
            if conflicts.take(context.now, ARPInput.conflictRate) { _ = punt(.conflict, packet, context) }
            return .drop(.addressConflict)
        }
        let isForUs = owner(of: arp.targetIP, packet) == packet.header.rxInterface
        if isForUs || arp.isGratuitous || isTentative(arp.senderIP, packet) || isTentative(arp.targetIP, packet) {
            guard bucket.take(context.now, ARPInput.rate) else { return .drop(.throttled) }
            let isAnswered = isForUs && answer(arp, packet, context)
            return pass(isAnswered ? .answeredARP : .arp, packet, context)
        }
        guard arp.operation == .request, answer.tables.interfaces[packet.header.rxInterface].flags.contains(.proxyARP)
        else {
            return .drop(.notForUs)
        }
        guard proxies.take(context.now, ARPInput.proxyRate) else { return .drop(.throttled) }
        return pass(.proxy, packet, context)
    }

    /// Tells who asks for the port's own address; false when that is left to the control side.
    private func answer(_ request: ARPView, _ packet: Packet, _ context: Context) -> Bool {
        let interface = packet.header.rxInterface
        let station = answer.station(of: interface)
        guard request.operation == .request, request.senderMAC != station,
            request.isProbe || answer.isNeighbor(.v4(request.senderIP), packet),
            let reply = ARPPacket(request)?.reply(from: station),
            let frame = answer.frame(.arp, to: reply.targetMAC, on: interface, length: ARPView.length, context)
        else { return false }
        reply.emit(into: frame.bytes.dropping(first: EthernetView.length))
        context.start(frame, on: Next.output)
        return true
    }

    private func pass(_ kind: NeighborMessage.Kind, _ packet: Packet, _ context: Context) -> Verdict<Next, Reason> {
        guard punt(kind, packet, context) else { return .drop(.queueFull) }
        context.free(packet)
        return .kept
    }

    /// An own address that is being asked for belongs to no interface as yet: the control side knows which.
    private func isTentative(_ address: IPv4Address, _ packet: Packet) -> Bool {
        answer.tables.route(to: address, for: packet) == .tentative
    }

    private func punt(_ kind: NeighborMessage.Kind, _ packet: Packet, _ context: Context) -> Bool {
        context.punt(packet, to: neighbors, note: NeighborMessage(kind, about: packet).rawValue)
    }

    /// The interface of the same table that has this address as its own.
    private func owner(of address: IPv4Address, _ packet: Packet) -> InterfaceIndex? {
        let result = answer.tables.route(to: address, for: packet)
        guard result.kind == .local, result.index >= Forwarding.firstAdjacency else { return nil }
        return answer.adjacencies[result.index].txInterface
    }

    private static func isOneHost(_ address: IPv4Address) -> Bool {
        let network = address.value >> 24
        return network != 0 && network != 127 && network < 224
    }
}
