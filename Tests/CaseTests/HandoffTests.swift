// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import GraphTestSupport
import Testing
import Wire

/// `interfaces.NAME.handoff`: the flows of one port spread over the workers.
@Suite("Handoff between workers")
@ControlPlane
struct HandoffTests {
    private static let flowCount = 64
    private static let packetsPerFlow = 3

    private let router: Router
    private let ports: TestPorts

    init() throws {
        let text = """
            workers: {count: 2}
            buffers: {count: 2048}
            interfaces:
              wan0: {type: test, mac: "02:00:00:00:00:01", addresses: [10.0.0.1/24], handoff: true}
              lan0: {type: test, mac: "02:00:00:00:00:02", addresses: [10.1.0.1/24]}
            neighbors:
              - {interface: lan0, address: 10.1.0.2, mac: "02:00:00:00:02:02"}
            """
        router = try Router(YAMLReader.read(text: text, name: "handoff.yaml"), modules: [TestPorts.self])
        router.useAddressesAtOnce()
        try router.prepare()
        ports = try #require(router.registry.module(TestPorts.self))
        while router.engine.step() {}
        _ = ports["lan0"]?.takeSent()
    }

    private func packet(flow: Int, number: Int) -> [UInt8] {
        PacketBuilder().ethernet(from: MACAddress(2, 0, 0, 0, 1, 2), to: MACAddress(2, 0, 0, 0, 0, 1))
            .ipv4(from: IPv4Address(10, 0, 0, 2), to: IPv4Address(10, 1, 0, 2), identification: UInt16(number))
            .udp(from: UInt16(1024 + flow), to: 53).payload(count: 20).bytes
    }

    @Test func flowsSpreadAndKeepTheirOrder() throws {
        let wan0 = try #require(ports["wan0"])
        for number in 0..<HandoffTests.packetsPerFlow {
            wan0.receive((0..<HandoffTests.flowCount).map { packet(flow: $0, number: number) })
        }
        while router.engine.step() {}
        let lookups = router.engine.nodeSamples().filter { $0.node == "ip4-lookup" }.map(\.counters.packets)
        // 64 flows fall to both workers, if not evenly: neither has less than an eighth.
        #expect(lookups.reduce(0, +) == UInt64(HandoffTests.flowCount * HandoffTests.packetsPerFlow))
        #expect(lookups.allSatisfy { $0 >= UInt64(HandoffTests.flowCount * HandoffTests.packetsPerFlow / 8) })
        #expect(router.engine.buffersInUse == 0)

        var numbers: [UInt16: [UInt16]] = [:]
        for var frame in try #require(ports["lan0"]).takeSent() {
            let (flow, number) = try frame.withBytes { window in
                let header = try #require(IPv4View(window.dropping(first: 14)))
                return (try #require(UDPView(header.payload)).sourcePort, header.identification)
            }
            numbers[flow, default: []].append(number)
        }
        #expect(numbers.count == HandoffTests.flowCount)
        #expect(numbers.values.allSatisfy { $0 == Array(0..<UInt16(HandoffTests.packetsPerFlow)) })
    }
}
