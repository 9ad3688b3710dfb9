// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Wire

/// How far a packet's source address is trusted (RFC 3704, RFC 8704).
public enum ReversePathMode: String, Sendable, CaseIterable {
    /// There is a route to the source, by whichever interface.
    case loose
    /// Of a packet that comes in: the route to the source leads through the interface by which it came, by one of its paths or
    /// of the backups of these. Of one that goes out: none of its paths leads through the interface by which it leaves.
    case strict
}

/// The interfaces' modes as workers read them. Written by the control side with single stores.
struct ReversePathModes: BitwiseCopyable, @unchecked Sendable {
    private let modes: UnsafeMutablePointer<UInt8>

    private static let byteCount = InterfaceTable.capacity

    init() {
        guard let memory = CMartletLinux_mapAnonymous(ReversePathModes.byteCount, 0) else {
            fatalError("no address space for the modes of reverse path checks")
        }
        modes = memory.bindMemory(to: UInt8.self, capacity: ReversePathModes.byteCount)
    }

    func unmap() { munmap(modes, ReversePathModes.byteCount) }

    @inline(__always)
    func isStrict(_ interface: InterfaceIndex) -> Bool { modes[Int(interface) & (InterfaceTable.capacity &- 1)] != 0 }

    func set(_ mode: ReversePathMode, on interface: InterfaceIndex) {
        modes[Int(interface) & (InterfaceTable.capacity &- 1)] = mode == .strict ? 1 : 0
    }
}

/// Why `ip4-urpf` and `ip6-urpf` drop a packet.
public enum ReversePathReason: UInt16, DropReason {
    case noRoute, wrongInterface, ownSource

    public var text: String {
        switch self {
        case .noRoute: "there is no route to the source"
        case .wrongInterface: "the route to the source does not lead through the interface it came by"
        case .ownSource: "the source address is the router's own"
        }
    }
}

/// Judges the route to the source of a packet that came in.
struct ReversePathCheck: BitwiseCopyable, Sendable {
    let exits: RouteExits
    let modes: ReversePathModes

    /// What speaks against a packet from a source with this route, other tables followed and load-balances not yet; nil when
    /// nothing does.
    /// - Parameter lookUp: Looks the source up in another table.
    @inline(__always)
    func objection(
        _ result: Forwarding, _ packet: Packet, isEcho: () -> Bool, isDiscovery: () -> Bool,
        _ lookUp: (_ table: UInt32) -> Forwarding
    ) -> ReversePathReason? {
        let interface = packet.header.rxInterface
        switch result.kind {
        case .discard: return result == .tentative && isDiscovery() ? nil : .noRoute
        case .local: return isEcho() || isDiscovery() ? nil : .ownSource
        case .rewrite, .glean, .path, .loadBalance, .table:
            // The way out of a tunnel is not by the interface that the tunnel came by.
            guard modes.isStrict(interface), !packet.header.flags.contains(.hasTable) else { return nil }
            return exits.lead(result, through: interface, withBackups: true, lookUp) ? nil : .wrongInterface
        }
    }
}
