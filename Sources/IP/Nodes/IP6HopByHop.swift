// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Judges the hop-by-hop options of an IPv6 header; good ones travel on untouched.
///
/// Summary: the slow path for the few packets that have such options.
/// Expects: a checked IPv6 header whose next header is that of hop-by-hop options.
/// Emits: the packet as it came; to `ip6-local` one with a router alert whose protocol somebody here has claimed; to
/// `ip6-icmp-error` one with an option that wants it so.
/// Drops: `truncated`, `jumbogram`, `malformedOption`, `tooManyOptions`, `unknownOption`.
/// Spec: RFC 8200 sections 4.2, 4.3; RFC 2711; RFC 2675 section 3.
public struct IP6HopByHop: Node {
    public static let name = "ip6-hop-by-hop"

    public enum Next: UInt16, NextNode {
        case lookup, local, icmpError

        public var node: String {
            switch self {
            case .lookup: "ip6-lookup"
            case .local: "ip6-local"
            case .icmpError: "ip6-icmp-error"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, jumbogram, malformedOption, tooManyOptions, unknownOption

        public var text: String {
            switch self {
            case .truncated: "the hop-by-hop options reach beyond the packet"
            case .jumbogram: "the packet claims to be longer than 65,535 bytes"
            case .malformedOption: "an option reaches beyond its header"
            case .tooManyOptions: "more options than are looked at"
            case .unknownOption: "an option that is not known, and wants the packet discarded for that"
            }
        }
    }

    public struct Trace: TraceRecord {
        var length: UInt16 = 0
        var isAlert = false
        /// The offset of the option that the sender is told about, 0 for none.
        var pointer: UInt16 = 0

        public init() {}

        public var description: String {
            let alert = isAlert ? ", router alert" : ""
            return pointer == 0 ? "\(length) bytes of options\(alert)" : "unknown option at byte \(pointer)"
        }
    }

    private let claims: LocalTable

    init(claims: LocalTable) { self.claims = claims }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        guard let header = IPv6View(packet.bytes) else { return .drop(.truncated) }
        // A length that the header has no room for is in an option.
        guard header.payloadLength > 0 else { return .drop(.jumbogram) }
        var headers = IPv6Extensions(header)
        guard let options = headers.next() else { return .drop(.truncated) }
        trace.length = UInt16(truncatingIfNeeded: options.bytes.count)
        switch IPv6OptionsVerdict(of: options, toGroup: header.destination.isMulticast) {
        case .fine(let isAlert):
            trace.isAlert = isAlert
            guard isAlert, isClaimed(headers) else { return .to(.lookup) }
            packet.header.adjacency = Forwarding.receive.index
            return .to(.local)
        case .unwelcome: return .drop(.unknownOption)
        case .malformed: return .drop(.malformedOption)
        case .tooMany: return .drop(.tooManyOptions)
        case .jumbogram: return .drop(.jumbogram)
        case .tell(let request, let pointer):
            trace.pointer = UInt16(truncatingIfNeeded: pointer)
            packet.requestICMPv6Error(request, parameter: UInt32(truncatingIfNeeded: pointer))
            return .to(.icmpError)
        }
    }

    private func isClaimed(_ walk: IPv6Extensions) -> Bool {
        var headers = walk
        while headers.next() != nil {}
        return headers.problem == nil && !claims[headers.protocol].isNone
    }
}
