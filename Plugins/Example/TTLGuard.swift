// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Drops packets of a protocol that should come from a neighbour, but came from farther away.
///
/// Summary: a neighbour sends with TTL 255, and every router on the way takes one off: nobody farther away can forge what the
///     neighbour sends. This is the Generalized TTL Security Mechanism for BGP, LDP, BFD and the like.
/// Expects: the current position at an IPv4 header that ip4-input has checked, with the TTL as received.
/// Emits: the packet unchanged, to the next feature.
/// Drops: ttl-too-low.
/// Config: `ttl-guard`: interfaces, and rules with `protocol`, `port`, `to` and `minimum`. The first rule that matches counts;
///     later fragments have no ports and match none, but are of no use without the first.
/// Show: `show ttl-guard`, packets accepted and dropped by each rule.
/// Spec: RFC 5082 sections 3 and 5.
/// Example: `ttl-guard: {interfaces: [wan0], rules: [{protocol: tcp, port: 179}]}`
public struct TTLGuard: Node {
    public static let name = "ip4-ttl-guard"

    public enum Reason: UInt16, DropReason {
        case ttlTooLow

        public var text: String {
            switch self {
            case .ttlTooLow: "the packet came from farther away than the rule allows"
            }
        }
    }

    /// What the decision was made from.
    public struct Trace: TraceRecord {
        static let noRule = UInt8.max

        var rule = noRule
        var timeToLive: UInt8 = 0
        var minimum: UInt8 = 0

        public init() {}

        public var description: String {
            rule == Trace.noRule ? "no rule" : "rule \(rule), ttl \(timeToLive), at least \(minimum) wanted"
        }
    }

    private let rules: TTLGuardRules
    private let worker: Int

    init(_ rules: TTLGuardRules, worker: Int) {
        self.rules = rules
        self.worker = worker
    }

    @inline(__always)
    public func prefetch(_ packet: Packet) { packet.prefetchData() }

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<NoNext, Reason> {
        guard let header = IPv4View(packet.bytes), !header.isLaterFragment else { return .nextFeature }
        // TCP and UDP begin alike: source port, destination port.
        let transport = header.payload
        guard transport.count >= 4 else { return .nextFeature }
        let flow = TTLGuardRule.Flow(
            destination: header.destination, protocol: header.protocol,
            ports: (transport.network(at: 0), transport.network(at: 2)))
        guard let number = rules.first(matching: flow) else { return .nextFeature }
        let minimum = rules[number].minimum
        trace.rule = UInt8(truncatingIfNeeded: number)
        trace.timeToLive = header.timeToLive
        trace.minimum = minimum
        let isNear = header.timeToLive >= minimum
        rules.count(number, accepted: isNear, worker: worker)
        return isNear ? .nextFeature : .drop(.ttlTooLow)
    }
}
