// SPDX-License-Identifier: Apache-2.0
import Graph

/// What a node asks `ip4-icmp-error` to tell a packet's sender.
///
/// It travels in the packet's scratch space: a node sets it and decides for the arc to `ip4-icmp-error`.
public enum ICMPErrorRequest: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case networkUnreachable, hostUnreachable, prohibited, protocolUnreachable, portUnreachable, fragmentationNeeded
    case timeExceeded, parameterProblem, nextHopDown, reassemblyTimeExceeded
}

extension Packet {
    /// - Parameter parameter: The next hop's MTU in bytes, or the pointer of a parameter problem.
    @inline(__always)
    public func requestICMPError(_ request: ICMPErrorRequest, parameter: UInt16 = 0) {
        header.scratch.0 = UInt64(request.rawValue) | UInt64(parameter) << 16
    }

    var requestedICMPError: (request: ICMPErrorRequest, parameter: UInt16) {
        (
            ICMPErrorRequest(rawValue: UInt8(truncatingIfNeeded: header.scratch.0)) ?? .networkUnreachable,
            UInt16(truncatingIfNeeded: header.scratch.0 >> 16)
        )
    }

    /// Routes the packet as that one was: by the table of the interface that it came in at, or of the tunnel.
    func takeTable(from packet: Packet) {
        header.rxInterface = packet.header.rxInterface
        header.txInterface = packet.header.txInterface
        header.flags.formUnion(packet.header.flags.intersection(.hasTable))
    }
}
