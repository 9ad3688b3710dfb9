// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Ethernet

/// A router with the test ports a, b, c and d, of which a file makes bundles, stepped by hand.
@ControlPlane
struct BundleLab {
    let router: Router
    let ports: TestPorts

    var engine: Engine { router.engine }
    var manager: BundleManager { router.registry.module(EthernetModule.self)!.bundles }
    var bundle: Bundle { manager.bundles[0] }

    static let ports = (1...4).map { number in
        "  \(["a", "b", "c", "d"][number - 1]): {type: test, mac: 02:00:00:00:00:0\(number)}\n"
    }.joined()

    /// - Parameter text: What follows the ports in the section `interfaces`, and further sections.
    init(_ text: String) throws {
        router = try Router(
            YAMLReader.read(text: "interfaces:\n" + BundleLab.ports + text, name: "b.yaml"), modules: [TestPorts.self])
        try router.prepare()
        ports = router.registry.module(TestPorts.self)!
        settle()
        _ = takeSent()
    }

    /// What is wrong with a file.
    static func errors(_ text: String) -> [String] {
        do {
            _ = try BundleLab(text)
            return []
        } catch let errors as ConfigurationErrors {
            return errors.all.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    func settle() { while engine.step() {} }

    func interface(_ name: String) -> Interface { engine.interface(named: name)! }

    /// The thread with the kernel's news says so; the control side does not know.
    func news(_ port: String, isLost: Bool) {
        engine.linkAlarm.sound(interface(port).index, isLost: isLost, at: Clock.now)
    }

    func takeSent() -> [String: [[UInt8]]] {
        ports.ports.reduce(into: [:]) { sent, port in
            let frames = port.takeSent()
            if !frames.isEmpty { sent[port.name] = frames }
        }
    }

    private var drops: [String: UInt64] {
        engine.dropSamples().reduce(into: [:]) { $0["\($1.node)/\($1.reason)", default: 0] += $1.count }
    }

    /// Has frames come in as one vector. Returns what left, by port, and what was dropped, by "node/reason".
    func send(
        _ frames: [[UInt8]], at port: String
    ) -> (frames: [String: [[UInt8]]], drops: [String: UInt64]) {
        let before = drops
        ports[port]?.receive(frames)
        settle()
        let dropped = drops.mapValues { $0 }.reduce(into: [String: UInt64]()) { sum, one in
            let count = one.value - (before[one.key] ?? 0)
            if count > 0 { sum[one.key] = count }
        }
        #expect(engine.bufferUse().inUse == 0, "buffers are missing")
        return (takeSent(), dropped)
    }

    func states() -> [String] { bundle.members.map { bundle.text(of: $0.state) } }

    /// A datagram of a flow, to a router's station, or of bridged stations.
    static func datagram(_ flow: Int, to station: MACAddress, vlan: UInt16? = nil, host: Int = 9) -> [UInt8] {
        var builder = PacketBuilder().ethernet(from: MACAddress(0x0a00_0000_0001), to: station)
        if let vlan { builder = builder.vlan(vlan) }
        return builder.ipv4(from: IPv4Address(10, 9, 0, 2), to: IPv4Address(10, 1, 0, UInt8(host)))
            .udp(from: UInt16(1000 + flow), to: 53).payload([UInt8(flow >> 8), UInt8(flow & 255)]).bytes
    }
}
