// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The control side of tunnels: GRE's own, and what features that use GRE's headers share with it.
@ControlPlane
public final class TunnelStore {
    /// Where tunnels are found by what their packets say.
    public nonisolated let endpoints = EndpointTable()
    /// Follows the routes to the far ends.
    public let routes: TunnelRoutes
    nonisolated let table = TunnelTable<GRERecord>()
    nonisolated let claims = GREClaims()
    private let engine: Engine
    private let fib: FIB
    private let local: LocalDelivery
    private var count: UInt32 = 0
    private var isListening = false
    /// Arcs of `gre-input` to nodes that have claimed something.
    private var arcs: [String: UInt16] = [:]

    init(engine: Engine, fib: FIB, neighbors: NeighborTable, local: LocalDelivery) {
        self.engine = engine
        self.fib = fib
        self.local = local
        routes = TunnelRoutes(engine: engine, fib: fib, neighbors: neighbors)
    }

    isolated deinit {
        endpoints.unmap()
        table.unmap()
        claims.unmap()
    }

    /// Has GRE packets to the router come to `gre-input`; before there is a tunnel they are refused.
    public func listen() throws {
        guard !isListening else { return }
        try local.claim(.gre, for: .node(GREInput.name))
        isListening = true
    }

    /// Has GRE packets that carry `type` come to a node, at their outer IP header.
    /// - Throws: `GraphError` when there is no such node.
    public func claim(_ type: EtherType, for node: String) throws {
        let arc = try arcs[node] ?? engine.addArc(from: GREInput.name, to: node)
        arcs[node] = arc
        claims[type] = arc + 1
    }

    /// Adds a GRE tunnel, and has its interface transmit by it.
    /// - Throws: `RouteError` when another tunnel has the same ends and key, or there is no room.
    func add(_ tunnel: GRETunnel, as interface: Interface) throws {
        let underlay = try fib.makeTable(named: tunnel.table)
        let ends = TunnelEnds(local: tunnel.source, remote: tunnel.destination, table: underlay.index.rawValue)
        guard count < UInt32(EndpointTable.capacity - 1) else {
            throw RouteError("there are \(count) tunnels, the most that there may be", "have fewer")
        }
        let number = count + 1
        if let other = endpoints.add(ends, .gre(key: tunnel.key), number) {
            let name = fib.interface(table[other].interface)?.name ?? "another tunnel"
            throw RouteError("\(name) has the same ends and key", "give one of them another key")
        }
        count = number
        table[number] = record(of: tunnel, interface, underlay, number)
        table.publish(number, as: interface.index)
        try engine.attach(interface, to: GREOutput.name)
        try listen()
        let route = try routes.follow(
            tunnel.destination, in: underlay, for: interface, overhead: tunnel.overhead,
            mtu: tunnel.mtu.map { .fixed($0) })
        interface.details = tunnel.details
        route.onChange { $0.showWay() }
    }

    private func record(
        of tunnel: GRETunnel, _ interface: Interface, _ underlay: VRF, _ number: UInt32
    ) -> GRERecord {
        var options: GRERecord.Options = []
        if tunnel.hasChecksum { options.insert(.checksum) }
        if tunnel.hasSequence { options.insert(.sequence) }
        if tunnel.key != nil { options.insert(.key) }
        if tunnel.timeToLive == nil { options.insert(.copyTimeToLive) }
        if tunnel.dscp == nil { options.insert(.copyDSCP) }
        let outer = OuterHeader(
            from: tunnel.source, to: tunnel.destination, dontFragment: tunnel.dontFragment)
        // Of one flow, whatever number the tunnel has.
        let flow = FlowHash.inner(number, seed: 0)
        return GRERecord(
            outer: outer, interface: interface.index, table: underlay.index.rawValue, key: tunnel.key ?? 0,
            options: options, timeToLive: tunnel.timeToLive ?? 0, trafficClass: (tunnel.dscp ?? 0) << 2,
            overhead: UInt8(tunnel.overhead), flow: tunnel.hasSequence ? max(flow, 1) : 0,
            owner: (number - 1) % UInt32(engine.workers.count))
    }
}

/// A GRE tunnel as the file has it.
struct GRETunnel {
    var source: IPAddress
    var destination: IPAddress
    var key: UInt32?
    var hasChecksum = false
    var hasSequence = false
    /// Nil: the inner packet's.
    var timeToLive: UInt8?
    /// Nil: the inner packet's.
    var dscp: UInt8?
    var dontFragment = true
    /// The VRF whose routes lead to the far end.
    var table = VRF.mainName
    /// Nil: what the path takes.
    var mtu: Int?

    /// Bytes in front of a packet.
    var overhead: Int {
        let gre = GREHeader(.ipv4, hasChecksum: hasChecksum, key: key, sequence: hasSequence ? 0 : nil)
        return (source.family == .ipv4 ? IPv4Header.length : IPv6View.length) + gre.length
    }

    /// For `show interfaces`.
    var details: [(name: String, value: String)] {
        var options: [String] = []
        if let key { options.append("key \(key)") }
        if hasChecksum { options.append("checksum") }
        if hasSequence { options.append("sequence") }
        let place = table == VRF.mainName ? "" : " in \(table)"
        return [("tunnel", "\(source) > \(destination)\(place)")]
            + (options.isEmpty ? [] : [("gre", options.joined(separator: ", "))])
    }
}
