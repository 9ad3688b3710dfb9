// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Drops packets of a protocol that should come from a neighbour, but came from farther away.
///
/// Summary: a neighbour sends with TTL 255, and every router on the way takes one off: nobody farther away can forge
///     what the neighbour sends. This is the Generalized TTL Security Mechanism for BGP, LDP, BFD and the like.
/// Expects: the current position at an IPv4 header that ip4-input has checked, with the TTL as received.
/// Emits: the packet unchanged, to the next feature.
/// Drops: ttl-too-low.
/// Config: `ttl-guard`: interfaces, and rules with `protocol`, `port`, `to` and `minimum`. The first rule that matches
///     counts; later fragments have no ports and match none, but are of no use without the first.
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

    let rules: Published<TTLGuardRules>.Reader
    let counts: PerWorker<TTLGuardCounts>.Slot

    @inline(__always)
    public func prefetch(_ packet: Packet) { packet.prefetchData() }

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<NoNext, Reason> {
        guard let header = IPv4View(packet.bytes), !header.isLaterFragment else { return .nextFeature }
        // TCP and UDP begin alike: source port, destination port.
        let transport = header.payload
        guard transport.count >= 4 else { return .nextFeature }
        let ports: (UInt16, UInt16) = (transport.network(at: 0), transport.network(at: 2))
        let rules = rules.current
        guard let number = first(rules, header.destination, header.protocol, ports) else { return .nextFeature }
        let minimum = rules.value.list[number].minimum
        trace.rule = UInt8(truncatingIfNeeded: number)
        trace.timeToLive = header.timeToLive
        trace.minimum = minimum
        guard header.timeToLive >= minimum else {
            counts.value.dropped[number] &+= 1
            return .drop(.ttlTooLow)
        }
        counts.value.accepted[number] &+= 1
        return .nextFeature
    }

    /// The number of the first rule that matches.
    @inline(__always)
    private func first(
        _ rules: Published<TTLGuardRules>.Version, _ destination: IPv4Address, _ protocol: IPProtocol,
        _ ports: (UInt16, UInt16)
    ) -> Int? {
        for number in 0..<rules.value.count {
            // An element at a time: a copy of the whole list would cost more than the search.
            let rule = rules.value.list[number]
            guard rule.protocol == `protocol`, ports.0 == rule.port || ports.1 == rule.port else { continue }
            if rule.destinations.contains(destination) { return number }
        }
        return nil
    }
}

/// One protocol of the router's, and how near its packets must come from.
public struct TTLGuardRule: BitwiseCopyable, Sendable {
    /// The packets to these addresses, the router's own as a rule.
    public var destinations = IPv4Prefix.all
    public var `protocol` = IPProtocol.tcp
    /// At either end: the session may have been opened from either.
    public var port: UInt16 = 0
    /// The lowest TTL that is accepted: 255 for neighbours, one less for each router between.
    public var minimum: UInt8 = 255
}

/// The rules as workers read them: plain memory, so that no packet costs a reference.
public struct TTLGuardRules: BitwiseCopyable, Sendable {
    public static let capacity = 16

    public private(set) var count = 0
    public private(set) var list = InlineArray<16, TTLGuardRule>(repeating: TTLGuardRule())

    /// - Parameter rules: At most `capacity`.
    public init(_ rules: [TTLGuardRule] = []) {
        count = rules.count
        for (number, rule) in rules.enumerated() { list[number] = rule }
    }
}

/// What one worker counts, by rule.
public struct TTLGuardCounts: BitwiseCopyable, Sendable {
    public var accepted = InlineArray<16, UInt64>(repeating: 0)
    public var dropped = InlineArray<16, UInt64>(repeating: 0)

    public init() {}
}
