// SPDX-License-Identifier: Apache-2.0
import Ethernet
import Graph
import IP
import Wire

/// The graphs that packets pass while the probe counts.
enum ProbedGraph: String, CaseIterable {
    /// The real IPv4 router: two next hops, and one packet in eight is dropped.
    case ip4
    /// The real IPv6 router, the sources checked: two next hops, and one packet in eight is dropped.
    case ip6
    /// The real router that answers pings which come in two fragments.
    case reassembly
    /// Nodes that do nothing, feature arcs, and a split into four with each frame.
    case empty
    /// A node that allocates and counts references for each packet: the probe's own test.
    case careless

    /// The registry owns the modules, and so the tables that nodes read.
    @ControlPlane
    func build(_ tally: Tally) throws -> Registry {
        var options = Engine.Options()
        options.bufferCount = 8192
        let registry = Registry(engine: try Engine(options))
        switch self {
        case .ip4: try buildRouter(registry, tally)
        case .ip6: try buildIPv6Router(registry, tally)
        case .reassembly: try buildReassembly(registry, tally)
        case .empty: try buildEmpty(registry.engine, tally)
        case .careless: try buildCareless(registry.engine, tally)
        }
        return registry
    }

    @ControlPlane
    private func input(_ engine: Engine, _ tally: Tally, _ frames: [[UInt8]], from interface: Interface) {
        let (frames, index) = (Frames(frames), interface.index)
        engine.add(NodeDescriptor(input: ProbeInput.self) { _ in ProbeInput(tally, frames, interface: index) })
    }

    @ControlPlane
    private func port(_ engine: Engine, _ name: String, mac: UInt64) -> Interface {
        let interface = engine.createInterface(name, kind: "probe")
        engine.attach(
            interface, output: NodeDescriptor(output: ProbeOutput.self, name: "\(name)-tx") { _ in ProbeOutput() })
        interface.mac = MACAddress(mac).littleEndianValue
        interface.isLinkUp = true
        return interface
    }

    // MARK: - Graphs

    /// A router with a port in each of two networks.
    @ControlPlane
    private func router(
        _ registry: Registry, _ lan: String, _ wan: String
    ) throws -> (IPModule, lan: Interface, wan: Interface) {
        registry.load(EthernetModule.self)
        let ip = registry.load(IPModule.self)
        let ports = [("lan", 0x0200_0000_0001 as UInt64, lan), ("wan", 0x0200_0000_0002, wan)].map {
            (port(registry.engine, $0, mac: $1), InterfaceAddress($2)!)
        }
        for (port, address) in ports { try ip.interfaces.add(address, to: port) }
        return (ip, ports[0].0, ports[1].0)
    }

    @ControlPlane
    private func buildRouter(_ registry: Registry, _ tally: Tally) throws {
        let engine = registry.engine
        let (ip, lan, wan) = try router(registry, "10.0.0.1/24", "10.1.0.1/24")
        for host in [2, 3] as [UInt8] {
            try ip.neighbors.addStatic(
                .v4(IPv4Address(10, 1, 0, host)), at: MACAddress(0x0200_0000_00b0 + UInt64(host)), on: wan)
        }
        try ip.addRoute(IPPrefix("20.0.0.0/8")!, via: .v4(IPv4Address(10, 1, 0, 2)))
        try ip.addRoute(IPPrefix("30.0.0.0/8")!, via: .v4(IPv4Address(10, 1, 0, 3)))
        let link = PacketBuilder().ethernet(from: MACAddress(0x0200_0000_00a2), to: MACAddress(0x0200_0000_0001))
        func frame(to destination: IPv4Address) -> [UInt8] {
            let packet = link.ipv4(from: IPv4Address(10, 0, 0, 2), to: destination)
            return packet.udp(from: 4000, to: 5000).payload(count: 18).bytes
        }
        var frames = (0..<7).map { frame(to: IPv4Address($0 % 2 == 0 ? 20 : 30, 1, 2, UInt8($0))) }
        var broken = frame(to: IPv4Address(20, 1, 2, 3))
        // The header's checksum no longer fits.
        broken[24] ^= 0xff
        frames.append(broken)
        input(engine, tally, frames, from: lan)
        try engine.build()
    }

    @ControlPlane
    private func buildReassembly(_ registry: Registry, _ tally: Tally) throws {
        let (ip, lan, _) = try router(registry, "10.0.0.1/24", "10.1.0.1/24")
        let (host, mac) = (IPv4Address(10, 0, 0, 2), MACAddress(0x0200_0000_00a2))
        try ip.neighbors.addStatic(.v4(host), at: mac, on: lan)
        let (own, start) = (
            IPv4Address(10, 0, 0, 1), PacketBuilder().ethernet(from: mac, to: MACAddress(0x0200_0000_0001))
        )
        let ping = start.ipv4(from: host, to: own).icmp(.echoRequest(identifier: 1, sequence: 1)).payload(count: 40)
        let data = Array(ping.bytes.dropFirst(34))
        let frames = [0..<24, 24..<48].map { range in
            start.ipv4(
                from: host, to: own, identification: 7, moreFragments: range.lowerBound == 0,
                fragmentUnits: UInt16(range.lowerBound / 8), protocol: .icmp
            ).payload(Array(data[range])).bytes
        }
        input(registry.engine, tally, frames, from: lan)
        try registry.engine.build()
    }

    @ControlPlane
    private func buildIPv6Router(_ registry: Registry, _ tally: Tally) throws {
        let engine = registry.engine
        let (ip, lan, wan) = try router(registry, "2001:db8::1/64", "2001:db8:1::1/64")
        for host in [2, 3] as [UInt64] {
            let address = IPAddress.v6(IPv6Address("2001:db8:1::\(host)")!)
            try ip.neighbors.addStatic(address, at: MACAddress(0x0200_0000_00b0 + host), on: wan)
            try ip.addRoute(IPPrefix("2001:db8:\(host)000::/36")!, via: address)
        }
        let link = PacketBuilder().ethernet(from: MACAddress(0x0200_0000_00a2), to: MACAddress(0x0200_0000_0001))
        func frame(to destination: String) -> [UInt8] {
            let packet = link.ipv6(from: IPv6Address("2001:db8::2")!, to: IPv6Address(destination)!)
            return packet.udp(from: 4000, to: 5000).payload(count: 18).bytes
        }
        var frames = (0..<7).map { frame(to: "2001:db8:\($0 % 2 + 2)000::\($0)") }
        var broken = frame(to: "2001:db8:2000::1")
        broken[14] = 0x40
        frames.append(broken)
        input(engine, tally, frames, from: lan)
        try engine.build()
        try ip.setReversePath(.strict, on: lan)
    }

    @ControlPlane
    private func buildEmpty(_ engine: Engine, _ tally: Tally) throws {
        let lan = port(engine, "lan", mac: 0x0200_0000_0001)
        engine.add(NodeDescriptor(output: ProbeOutput.self) { _ in ProbeOutput() })
        for name in ["ethernet-input", "second", "third"] { _ = engine.addNode(name, kind: PassNode.name) }
        _ = engine.addNode("fourth", kind: DealNode.name)
        for name in ["open-gate", "second-gate"] {
            engine.add(NodeDescriptor(OpenGate.self, name: name) { _ in OpenGate() })
        }
        engine.add(FeatureArc("probed", by: .receive, startsAt: [("second", "next")], endsAt: "third"))
        engine.add(Feature("open-gate", on: "probed"))
        engine.add(Feature("second-gate", on: "probed"))
        input(engine, tally, [[UInt8](repeating: 0, count: 60)], from: lan)
        var overrides = Engine.Overrides()
        overrides.arcs = [
            ("ethernet-input", "next", "second"), ("second", "next", "third"), ("third", "next", "fourth"),
        ]
        overrides.arcs += ["first", "second", "third", "fourth"].map { ("fourth", $0, "probe-tx") }
        try engine.build(overrides)
        try engine.setFeature("open-gate", on: "probed", interface: lan, true)
        try engine.setFeature("second-gate", on: "probed", interface: lan, true)
    }

    @ControlPlane
    private func buildCareless(_ engine: Engine, _ tally: Tally) throws {
        let lan = port(engine, "lan", mac: 0x0200_0000_0001)
        engine.add(NodeDescriptor(output: ProbeOutput.self) { _ in ProbeOutput() })
        engine.add(NodeDescriptor(Careless.self) { _ in Careless() })
        input(engine, tally, [[UInt8](repeating: 0, count: 60)], from: lan)
        var overrides = Engine.Overrides()
        overrides.arcs = [("probe-rx", "packets", "careless")]
        _ = engine.addNode("ethernet-input", kind: PassNode.name)
        try engine.build(overrides)
    }
}
