// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Wire

/// The laboratory of two ports with IPv6 besides:
///
///     host a 2001:db8:a::2 —— lan 2001:db8:a::1/64 [router] wan 2001:db8:b::1/64 —— host c 2001:db8:b::33
///
/// Host a is a static neighbour.
@ControlPlane
struct NDLab {
    static let a = (ip: IPv6Address("2001:db8:a::2")!, mac: MACAddress(0x0200_0000_00a2))
    static let c = (ip: IPv6Address("2001:db8:b::33")!, mac: MACAddress(0x0200_0000_00c3))
    static let wanIP = IPv6Address("2001:db8:b::1")!
    static let wanLink = IPv6Address("fe80::ff:fe00:2")!
    static let cLink = IPv6Address("fe80::c3")!

    let lab: IPLab
    var ip: IPModule { lab.ip }
    var bench: PacketBench { lab.bench }
    var lan: BenchPort { lab.lan }
    var wan: BenchPort { lab.wan }

    init(probes: Int = 0, _ prepare: (IPModule, IPLab) throws -> Void = { _, _ in }) throws {
        lab = try IPLab(start: false)
        lab.ip.neighbors.policy.retransmitInterval = 30
        lab.ip.neighbors.policy.ip6Probes = probes
        try lab.ip.interfaces.add(InterfaceAddress("2001:db8:a::1/64")!, to: lab.lan.interface)
        try lab.ip.interfaces.add(InterfaceAddress("2001:db8:b::1/64")!, to: lab.wan.interface)
        try lab.ip.neighbors.addStatic(.v6(NDLab.a.ip), at: NDLab.a.mac, on: lab.lan.interface)
        try prepare(lab.ip, lab)
        try lab.bench.start()
    }

    // MARK: - Packets

    /// From host a to a host behind the wan port.
    func datagram(_ number: UInt16 = 0, to destination: IPv6Address = c.ip) -> [UInt8] {
        PacketBuilder().ethernet(from: NDLab.a.mac, to: lan.mac).ipv6(from: NDLab.a.ip, to: destination)
            .udp(from: number, to: 2).payload(count: 20).bytes
    }

    func forwarded(_ number: UInt16 = 0, to mac: MACAddress = c.mac, ip: IPv6Address = c.ip) -> [UInt8] {
        PacketBuilder().ethernet(from: wan.mac, to: mac).ipv6(from: NDLab.a.ip, to: ip, hopLimit: 63)
            .udp(from: number, to: 2).payload(count: 20).bytes
    }

    /// What the router asks; all that might have the target, or a station that had it.
    func solicitation(for target: IPv6Address = c.ip, at station: MACAddress? = nil) -> [UInt8] {
        let group = target.solicitedNode
        return PacketBuilder().ethernet(from: wan.mac, to: station ?? MACAddress(multicast: group))
            .ipv6(
                from: target.isLinkLocal ? NDLab.wanLink : NDLab.wanIP, to: station == nil ? group : target,
                hopLimit: 255
            )
            .discovery(NeighborSolicitation(target: target, station: wan.mac)).bytes
    }

    /// What the router answers; to all when `receiver` is nil.
    func answer(
        _ target: IPv6Address = wanIP, to receiver: IPv6Address? = c.ip, overrides: Bool = true,
        from source: IPv6Address? = nil
    ) -> [UInt8] {
        PacketBuilder()
            .ethernet(from: wan.mac, to: receiver == nil ? MACAddress(multicast: IPv6Address.allNodes) : NDLab.c.mac)
            .ipv6(from: source ?? target, to: receiver ?? .allNodes, hopLimit: 255)
            .discovery(
                NeighborAdvertisement(
                    target: target, station: wan.mac, isRouter: true, isSolicited: receiver != nil,
                    isOverriding: overrides)
            ).bytes
    }

    /// What host c says on the wan link.
    func said(
        _ message: some NDMessage, from source: IPv6Address = c.ip, to destination: IPv6Address = wanIP,
        by mac: MACAddress = c.mac, hopLimit: UInt8 = 255
    ) -> [UInt8] {
        let receiver = destination.isMulticast ? MACAddress(multicast: destination) : wan.mac
        return PacketBuilder().ethernet(from: mac, to: receiver)
            .ipv6(from: source, to: destination, hopLimit: hopLimit).discovery(message).bytes
    }

    func advertisement(
        of target: IPv6Address = c.ip, at mac: MACAddress? = c.mac, solicited: Bool = true, overrides: Bool = true,
        router: Bool = false
    ) -> [UInt8] {
        said(
            NeighborAdvertisement(
                target: target, station: mac, isRouter: router, isSolicited: solicited, isOverriding: overrides),
            from: target, to: solicited ? NDLab.wanIP : .allNodes, by: mac ?? NDLab.c.mac)
    }

    func question(
        for target: IPv6Address = wanIP, from source: IPv6Address = c.ip, by mac: MACAddress = c.mac
    ) -> [UInt8] {
        said(
            NeighborSolicitation(target: target, station: source.isUnspecified ? nil : mac), from: source,
            to: target.solicitedNode, by: mac)
    }

    // MARK: - What the router thinks

    func neighbor(_ address: IPv6Address = c.ip) -> Neighbor? { ip.neighbors[.v6(address), wan.interface] }

    func word(_ address: IPv6Address, on port: BenchPort) -> String {
        let scoped = address.isOfLink ? address.scoped(to: port.interface.index) : address
        return ip.fib.forwarding(to: .v6(scoped))?.word ?? "none"
    }
}
