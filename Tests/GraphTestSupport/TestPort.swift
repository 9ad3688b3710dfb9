// SPDX-License-Identifier: Apache-2.0
import Graph
import Interfaces
import Wire

/// One port of a router under test: what is put in comes in as one vector, what the router sends is kept.
///
/// For engines that are stepped on one thread.
public final class TestPort: @unchecked Sendable {
    public let name: String
    public let mac: MACAddress
    fileprivate var waiting: ArraySlice<[UInt8]> = []
    private var sent: [[UInt8]] = []

    init(name: String, mac: MACAddress) {
        self.name = name
        self.mac = mac
    }

    /// Has frames come in at the engine's next step.
    public func receive(_ frames: [[UInt8]]) { waiting += frames }

    /// The frames that the router has sent since the last call, in order.
    public func takeSent() -> [[UInt8]] {
        defer { sent = [] }
        return sent
    }

    fileprivate func send(_ frame: Bytes) { sent.append([UInt8](frame)) }
}

/// Brings the interface type `test` into a router: `Router(setting, modules: [TestPorts.self])`.
@ControlPlane
public final class TestPorts: Module {
    public nonisolated static let name = "test-ports"

    /// In the order of the configuration.
    public private(set) var ports: [TestPort] = []

    public init() {}

    public subscript(name: String) -> TestPort? { ports.first { $0.name == name } }

    public func register(in registry: Registry) {
        let engine = registry.engine
        let keys: [Schema.Key] = [
            .required("mac", .string, "Own Ethernet address"),
            .key("mtu", .integer(68...65535), "Longest network-layer packet, bytes; 1500 if absent"),
            .key("link", .choice(["up", "down"]), "up if absent"),
        ]
        registry.add(
            InterfaceDriver("test", "Packets from a test and back to it", keys: keys) {
                [unowned self] (name, setting) throws(ConfigurationErrors) in
                let (mac, mtu, isLinkUp) = try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
                    let mac = try setting.required("mac").value("a MAC address", example: "02:00:00:00:00:01") {
                        MACAddress($0)
                    }
                    return (mac, try setting["mtu"]?.integer(in: 68...65535), try setting["link"]?.string != "down")
                }
                return { [unowned self] in
                    let interface = create(TestPort(name: name, mac: mac), engine)
                    if let mtu { interface.mtu = mtu }
                    interface.isLinkUp = isLinkUp
                    return interface
                }
            })
    }

    private func create(_ port: TestPort, _ engine: Engine) -> Interface {
        let interface = engine.createInterface(port.name, kind: "test")
        interface.mac = port.mac.littleEndianValue
        let index = interface.index
        engine.add(
            NodeDescriptor(input: TestPortInput.self, name: "\(port.name)-rx") { seat in
                TestPortInput(port: seat.worker == 0 ? port : nil, interface: index)
            })
        engine.attach(
            interface,
            output: NodeDescriptor(output: TestPortOutput.self, name: "\(port.name)-tx") { _ in
                TestPortOutput(port: port)
            })
        ports.append(port)
        return interface
    }
}

struct TestPortInput: InputNode {
    static let name = "test-port-rx"

    enum Next: UInt16, NextNode {
        case ethernet

        var node: String { "ethernet-input" }
    }

    let port: TestPort?
    let interface: InterfaceIndex

    var isFinished: Bool { port?.waiting.isEmpty ?? true }

    mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        guard let port else { return false }
        var bytes = 0
        while frame.room > 0, let next = port.waiting.first, let packet = context.allocate() {
            precondition(next.count <= 2048 - BufferPool.headroom, "a test frame fits in the smallest buffer")
            port.waiting.removeFirst()
            packet.header.data.copyMemory(from: next, byteCount: next.count)
            packet.truncate(to: next.count)
            packet.header.rxInterface = interface
            frame.append(context.index(of: packet))
            bytes += next.count
        }
        context.countReceived(packets: frame.count, bytes: bytes, interface: interface)
        return frame.count > 0
    }
}

struct TestPortOutput: OutputNode {
    static let name = "test-port-tx"

    let port: TestPort

    mutating func process(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            port.send(context.packet(frame[position]).bytes)
            context.decide(position, Verdict<NoNext, NoReason>.kept)
        }
        context.free(frame.indices, count: frame.count)
    }

    mutating func flush(_ context: Context) -> Bool { true }
}
