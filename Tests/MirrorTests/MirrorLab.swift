// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Mirror

/// A bridge of the test ports a and b, of which a has a sub-interface a.7, and the ports p and q for analysers; stepped by
/// hand.
@ControlPlane
struct MirrorLab {
    let router: Router
    let ports: TestPorts

    var engine: Engine { router.engine }
    var sessions: MonitorSessions { router.registry.module(MirrorModule.self)!.sessions }

    /// - Parameters:
    ///   - sessions: Further lines of the file, from its first column on.
    ///   - a: Further keys of the port a.
    ///   - buffers: In the whole pool.
    init(_ sessions: String, a: String = "", buffers: Int = 4096) throws {
        router = try Router(
            YAMLReader.read(text: MirrorLab.file(sessions, a: a, buffers: buffers), name: "m.yaml"),
            modules: [TestPorts.self])
        try router.prepare()
        ports = router.registry.module(TestPorts.self)!
        settle()
        for port in ports.ports { _ = port.takeSent() }
    }

    static func file(_ sessions: String, a: String = "", buffers: Int = 4096) -> String {
        """
        buffers: {count: \(buffers)}
        interfaces:
          a: {type: test, mac: 02:00:00:00:00:01\(a)}
          b: {type: test, mac: 02:00:00:00:00:02}
          c: {type: test, mac: 02:00:00:00:00:03}
          c.7: {type: vlan, parent: c, dot1q: 7}
          p: {type: test, mac: 02:00:00:00:00:04}
          q: {type: test, mac: 02:00:00:00:00:05}
        bridges:
          lan: {members: [a, b]}

        """ + sessions
    }

    /// What speaks against such a file.
    static func errors(_ sessions: String, a: String = "") -> [String] {
        do {
            _ = try MirrorLab(sessions, a: a)
            return []
        } catch let errors as ConfigurationErrors {
            return errors.all.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    func settle() { while engine.step() {} }

    func send(_ frames: [[UInt8]], by port: String) {
        ports[port]!.receive(frames)
        settle()
    }

    /// Frames that a port has sent since the last time.
    func sent(_ port: String) -> [[UInt8]] { ports[port]!.takeSent() }

    func run(_ line: String) async -> String {
        await CommandService(router.commands).execute(line.split(separator: " ").map(String.init)).text
    }

    /// A broadcast, told from others by its number.
    static func frame(_ number: UInt8, length: Int = 60) -> [UInt8] {
        PacketBuilder().ethernet(from: MACAddress(0x0a00_0000_0001), to: .broadcast, type: EtherType(rawValue: 0x88b5))
            .payload([number] + [UInt8](repeating: 0x55, count: length - 15)).bytes
    }
}
