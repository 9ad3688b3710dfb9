// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph
import Synchronization
import Testing

extension Lab {
    /// A member loses its carrier at 100,000 packets a second: when does the last packet leave by it?
    @Suite struct BundleFailover {
        private static var failures: Int { Laboratory.isSoak ? 500 : 25 }
        private static let rate = 100_000

        private static let configuration = """
            interfaces:
              m0: {type: af-xdp}
              m1: {type: af-xdp}
              be0: {type: bundle, members: [m0, m1], lacp: off, addresses: [10.0.0.1/24]}
              source:
                type: generator
                addresses: [192.0.2.1/24]
                rate: \(rate)pps
                packets:
                  - ipv4: {source: 192.0.2.10, destination: 203.0.113.0-203.0.113.255}
                    udp: {source: 1024-1039, destination: 9}
                    size: 60
            routes:
              - {to: 203.0.113.0/24, via: 10.0.0.2}
            neighbors:
              - {interface: be0, address: 10.0.0.2, mac: "02:00:00:00:09:09"}
            graph:
              nodes:
                bundle-output: {arcs: {output: seen}}
                seen: {kind: last-packets, arcs: {next: interface-output}}
            """

        @Test func `carrier lost: from the kernel's news to the last packet by the failed member`() async throws {
            let (near, far) = (Namespace("near"), Namespace("far"))
            for device in ["m0", "m1"] { near.connect(device, to: far, device) }
            let router = try await FailoverRouter(BundleFailover.configuration, in: near)
            var after: [Double] = []
            var sent: [Double] = []
            for number in 1...BundleFailover.failures {
                let failed = number % 2 == 0 ? "m0" : "m1"
                let other = number % 2 == 0 ? "m1" : "m0"
                await router.awaitBusy(["m0", "m1"], "failure \(number)")
                let before = await router.sample
                far.run("ip link set \(failed) down")
                let loss = try #require(await router.awaitLoss(of: failed), "failure \(number)")
                // Long after it all packets go by the other, and none by this.
                try await Task.sleep(for: .milliseconds(20))
                let last = router.lastPacket(by: failed)
                let now = Clock.now
                #expect(router.lastPacket(by: other) > last, "failure \(number)")
                #expect(last < now &- Clock.ticks(milliseconds: 10), "failure \(number)")
                after.append(last > loss ? Clock.seconds(last - loss) * 1e6 : 0)
                let rate = await router.rate(since: before)
                sent.append(rate)
                far.run("ip link set \(failed) up")
            }
            Distribution(
                "bundle, carrier lost: kernel's news to the last packet by the failed member", after, unit: " us"
            ).print()
            Distribution("bundle, packets a second meanwhile", sent, unit: "").print()
            #expect(after.count == BundleFailover.failures)
            await router.stop()
        }
    }
}

/// A router in this process, for looking at what no counter tells.
@ControlPlane
private final class FailoverRouter {
    /// When each interface's link was lost: by the first news of it, which others may follow.
    private final class Losses: Sendable {
        private let clocks = Mutex<[InterfaceIndex: UInt64]>([:])
        func hear(_ interface: InterfaceIndex, _ isLost: Bool, _ clock: UInt64) {
            clocks.withLock { $0[interface] = isLost ? $0[interface] ?? clock : nil }
        }
        func clock(_ interface: InterfaceIndex) -> UInt64? { clocks.withLock { $0[interface] } }
    }

    private let router: Router
    private let losses = Losses()
    private nonisolated let indices: [String: InterfaceIndex]

    init(_ text: String, in namespace: Namespace) async throws {
        let file = try YAMLReader.read(text: text, name: "failover.yaml")
        let router = try Router(file, modules: [LastPacketsModule.self])
        self.router = router
        // Sockets belong to the namespace in which they are made, by this thread.
        try namespace.inside { try router.prepare() }
        let losses = losses
        router.engine.linkAlarm.onChange { losses.hear($0, $1, $2) }
        indices = Dictionary(uniqueKeysWithValues: router.engine.interfaces.map { ($0.name, $0.index) })
        router.engine.start()
    }

    /// When the last packet left by the interface.
    nonisolated func lastPacket(by name: String) -> UInt64 { LastPackets.clocks[Int(indices[name] ?? 0)] }

    /// Waits until packets leave by all of these.
    func awaitBusy(_ names: [String], _ comment: String) async {
        let begin = Clock.now
        let isBusy = await reached { names.allSatisfy { self.lastPacket(by: $0) > begin } }
        #expect(isBusy, "\(comment)")
    }

    /// Waits until the link is known to be lost, and to the control side too; returns when the kernel's news were there.
    func awaitLoss(of name: String) async -> UInt64? {
        let isKnown = await reached { self.router.engine.interface(named: name)?.isLinkUp == false }
        return isKnown ? losses.clock(indices[name] ?? 0) : nil
    }

    private func reached(_ condition: () -> Bool) async -> Bool {
        for _ in 0..<2000 {
            if condition() { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return condition()
    }

    /// Packets by the bundle so far, and now.
    var sample: (packets: UInt64, clock: UInt64) {
        (router.engine.counters(of: indices["be0"] ?? 0).txPackets, Clock.now)
    }

    func rate(since before: (packets: UInt64, clock: UInt64)) -> Double {
        let now = sample
        return Double(now.packets - before.packets) / Clock.seconds(now.clock - before.clock)
    }

    func stop() {
        router.engine.stop()
        for module in router.registry.modules { module.stop() }
    }
}

/// When the last packet for each interface came by.
private enum LastPackets {
    nonisolated(unsafe) static let clocks: UnsafeMutablePointer<UInt64> = {
        let clocks = UnsafeMutablePointer<UInt64>.allocate(capacity: 64)
        clocks.initialize(repeating: 0, count: 64)
        return clocks
    }()
}

private struct LastPacketsNode: Node {
    static let name = "last-packets"

    enum Next: UInt16, NextNode {
        case next
        var node: String { "interface-output" }
    }

    mutating func process(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            let interface = Int(context.packet(frame[position]).header.txInterface)
            LastPackets.clocks[interface & 63] = Clock.now
            context.decide(position, Verdict<Next, NoReason>.to(.next))
        }
    }
}

@ControlPlane
private final class LastPacketsModule: Module {
    nonisolated static let name = "last-packets"
    init() {}
    func register(in registry: Registry) {
        registry.add(NodeDescriptor(LastPacketsNode.self) { _ in LastPacketsNode() })
    }
}
