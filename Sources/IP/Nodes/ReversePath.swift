// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Wire

/// How far a packet's source address is trusted (RFC 3704, RFC 8704).
public enum ReversePathMode: String, Sendable, CaseIterable {
    /// There is a route to the source, by whichever interface.
    case loose
    /// The route to the source leads through the interface by which the packet came: one of its paths, or of the backups
    /// of these.
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

/// Judges the route to a packet's source.
struct ReversePathCheck: BitwiseCopyable, Sendable {
    let tables: TableReaders
    let adjacencies: AdjacencyTable
    let paths: PathTable
    let modes: ReversePathModes

    /// What speaks against a packet from a source with this route, load-balances not followed yet; nil when nothing does.
    @inline(__always)
    func objection(
        _ result: Forwarding, _ packet: Packet, isEcho: () -> Bool, isDiscovery: () -> Bool
    ) -> ReversePathReason? {
        let interface = packet.header.rxInterface
        switch result.kind {
        case .discard: return result == .tentative && isDiscovery() ? nil : .noRoute
        case .local: return isEcho() || isDiscovery() ? nil : .ownSource
        case .rewrite, .glean, .path, .loadBalance, .table:
            // The way out of a tunnel is not by the interface that the tunnel came by.
            guard modes.isStrict(interface), !packet.header.flags.contains(.hasTable) else { return nil }
            return leads(result, through: interface) ? nil : .wrongInterface
        }
    }

    /// What a route into other tables comes to, which `lookup` looks the source up in.
    @inline(never)
    func follow(_ first: Forwarding, _ lookup: (_ table: UInt32) -> Forwarding) -> Forwarding {
        var result = first
        for _ in 0..<Balancer.depth where result.kind == .table { result = lookup(result.index) }
        return result
    }

    @inline(__always)
    private func leads(_ result: Forwarding, through interface: InterfaceIndex) -> Bool {
        if result.kind == .rewrite || result.kind == .glean {
            // A glean adjacency has no backup.
            let adjacency = adjacencies[result.index]
            return adjacency.txInterface == interface || leadsBackup(adjacency.backup, through: interface)
        }
        return leadsIndirectly(result, through: interface)
    }

    @inline(never)
    private func leadsIndirectly(_ result: Forwarding, through interface: InterfaceIndex) -> Bool {
        guard result.kind == .loadBalance else { return leadsPath(result, through: interface) }
        let range = tables.loadBalances.range(of: result.index)
        for bucket in 0...range.mask {
            let member = tables.loadBalances.bucket(range, hash: bucket)
            if member.kind == .loadBalance { continue }
            if member.kind == .rewrite || member.kind == .glean {
                if leads(member, through: interface) { return true }
            } else if leadsPath(member, through: interface) {
                return true
            }
        }
        return false
    }

    private func leadsPath(_ result: Forwarding, through interface: InterfaceIndex) -> Bool {
        guard result.kind == .path else { return false }
        let path = paths[result.index]
        return leadsBackup(Forwarding(.rewrite, path.adjacency), through: interface)
            || leadsBackup(path.backup, through: interface)
    }

    /// A backup has none of its own.
    private func leadsBackup(_ result: Forwarding, through interface: InterfaceIndex) -> Bool {
        switch result.kind {
        case .rewrite: adjacencies[result.index].txInterface == interface
        case .path: adjacencies[paths[result.index].adjacency].txInterface == interface
        default: false
        }
    }

    /// The port of BFD's echo packets, which come back from the neighbour as they were sent (RFC 5881 section 4).
    static let echoPort: UInt16 = 3785
}
