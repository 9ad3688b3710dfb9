// SPDX-License-Identifier: Apache-2.0
import Ethernet
import Graph
import IP
import Testing
import Wire

/// A label-switching router: `IPLab` with two more links towards the core.
///
///     host a —— lan [router] wan —— host b
///                     | | red 10.2.0.1/24 —— 10.2.0.2
///                     | blue 10.3.0.1/24 —— 10.3.0.2
@ControlPlane
struct MPLSLab {
    static let red = (ip: IPv4Address(10, 2, 0, 2), mac: MACAddress(0x0200_0000_00c2))
    static let blue = (ip: IPv4Address(10, 3, 0, 2), mac: MACAddress(0x0200_0000_00d2))
    static let prefix = IPPrefix("30.0.0.0/8")!
    static let destination = IPv4Address(30, 1, 2, 3)

    let lab: IPLab
    let red: BenchPort
    let blue: BenchPort

    var bench: PacketBench { lab.bench }
    var ip: IPModule { lab.ip }
    var lan: BenchPort { lab.lan }
    var labels: LabelFIB { lab.ip.labels }

    init(mtu: Int = 1500, modules: (PacketBench) -> Void = { _ in }) throws {
        lab = try IPLab(start: false)
        red = lab.bench.addPort("red", mac: MACAddress(0x0200_0000_0003), mtu: mtu)
        blue = lab.bench.addPort("blue", mac: MACAddress(0x0200_0000_0004), mtu: mtu)
        try lab.ip.interfaces.add(InterfaceAddress("10.2.0.1/24")!, to: red.interface)
        try lab.ip.interfaces.add(InterfaceAddress("10.3.0.1/24")!, to: blue.interface)
        try lab.ip.neighbors.addStatic(MPLSLab.red.ip, at: MPLSLab.red.mac, on: red.interface)
        try lab.ip.neighbors.addStatic(MPLSLab.blue.ip, at: MPLSLab.blue.mac, on: blue.interface)
        lab.lan.interface.setFlag(.mpls, true)
        modules(lab.bench)
        try lab.bench.start()
    }

    // MARK: - Paths

    func path(_ port: BenchPort, _ labels: [UInt32], _ mode: TTLMode = .pipe, backup: Path? = nil) -> Path {
        let neighbor = port.name == "red" ? MPLSLab.red.ip : MPLSLab.blue.ip
        var path = Path.neighbor(.v4(neighbor), on: port.interface)
        path.labels = labels
        path.mode = mode
        path.backup = backup.map { [$0] } ?? []
        return path
    }

    func route(_ paths: Path...) throws { try ip.fib.setRoute(MPLSLab.prefix, paths) }

    func label(_ label: UInt32, _ paths: Path..., mode: TTLMode = .pipe) throws {
        try labels.set(MPLSLabel(rawValue: label), .paths(paths), mode: mode, from: "test")
    }

    func adjacency(_ port: BenchPort) -> AdjacencyIndex {
        let neighbor = port.name == "red" ? MPLSLab.red.ip : MPLSLab.blue.ip
        return ip.fib.adjacencies.existing(NeighborKey(interface: port.interface.index, address: .v4(neighbor)))!
    }

    func fail(_ port: BenchPort, _ isDown: Bool = true) {
        ip.fib.adjacencies.setFailure(.command, isDown, adjacency(port))
    }

    // MARK: - Packets

    /// A stack on a link, from the outermost label on.
    func labelled(_ link: PacketBuilder, _ stack: [(label: UInt32, ttl: UInt8)], trafficClass: UInt8 = 0)
        -> PacketBuilder
    {
        stack.reduce(link) { $0.mpls(label: $1.label, trafficClass: trafficClass, timeToLive: $1.ttl) }
    }

    var toRed: PacketBuilder { PacketBuilder().ethernet(from: red.mac, to: MPLSLab.red.mac) }
    var toBlue: PacketBuilder { PacketBuilder().ethernet(from: blue.mac, to: MPLSLab.blue.mac) }

    func datagram(
        _ packet: PacketBuilder, ttl: UInt8 = 64, tos: UInt8 = 0, df: Bool = false, source: UInt16 = 1, count: Int = 20
    ) -> [UInt8] {
        packet.ipv4(
            from: IPLab.a.ip, to: MPLSLab.destination, timeToLive: ttl, trafficClass: tos, dontFragment: df
        ).udp(from: source, to: 2).payload(count: count).bytes
    }
}
