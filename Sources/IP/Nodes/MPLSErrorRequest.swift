// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What a node asks `mpls-icmp-error` to tell the sender of the IP packet under a label stack.
///
/// It travels in the packet's scratch space: a node sets it and decides for the arc to `mpls-icmp-error`.
struct MPLSErrorRequest: BitwiseCopyable, Sendable {
    enum Kind: UInt8 {
        case ttlExpired, tooLong
    }

    let kind: Kind
    /// The stack is that with which the packet was to leave by its adjacency, not that with which it came.
    let isOutgoing: Bool
    /// Bytes that the next link takes, labels included.
    let linkMTU: UInt32

    init(_ kind: Kind, isOutgoing: Bool = false, linkMTU: UInt32 = 0) {
        self.kind = kind
        self.isOutgoing = isOutgoing
        self.linkMTU = linkMTU
    }

    /// The longest IP packet that the next link takes below these labels, bytes.
    func mtu(below stack: Bytes) -> UInt32 { linkMTU &- min(linkMTU, UInt32(truncatingIfNeeded: stack.count)) }

    /// Whether the sender can make anything of it: what is too long must not be so by the padding behind the IP packet alone.
    func explains(_ length: Int, below stack: Bytes) -> Bool {
        kind == .ttlExpired || length > Int(mtu(below: stack))
    }

    var reason: MPLSICMPError.Reason { kind == .ttlExpired ? .ttlExpired : .tooLong }
}

extension Packet {
    func requestMPLSError(_ request: MPLSErrorRequest) {
        header.scratch.0 =
            UInt64(request.kind.rawValue) | (request.isOutgoing ? 0x100 : 0) | UInt64(request.linkMTU) << 32
    }

    var requestedMPLSError: MPLSErrorRequest {
        MPLSErrorRequest(
            MPLSErrorRequest.Kind(rawValue: UInt8(truncatingIfNeeded: header.scratch.0)) ?? .ttlExpired,
            isOutgoing: header.scratch.0 & 0x100 != 0, linkMTU: UInt32(truncatingIfNeeded: header.scratch.0 >> 32))
    }
}
