// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import Ethernet

/// Hostile frames at the members of bundles: each is dropped by name, answered, passed to the control side or the bundle's.
@Suite @ControlPlane struct BundleHostileTests {
    private static let frames: [[UInt8]] = {
        let member = MACAddress(0x0a00_0000_0001)
        func slow(_ start: [UInt8]) -> [UInt8] {
            PacketBuilder().ethernet(from: member, to: SlowProtocols.group, type: .slowProtocols)
                .payload(start + [UInt8](repeating: 0, count: 110 - start.count)).bytes
        }
        let partner = LACPInformation(
            system: LACPSystem(priority: 1, address: member), key: 3,
            port: LACPPortIdentifier(priority: 4, number: 5), state: [.active, .aggregatable, .synchronized])
        return [
            LACPPacket(actor: partner, partner: partner).frame(from: member), slow([2, 1, 1, 16]), slow([2, 1, 2, 16]),
            slow([3]), BundleLab.datagram(1, to: MACAddress(0x0200_0000_0001)),
            BundleLab.datagram(1, to: .broadcast, vlan: 7),
        ]
    }()

    private static func mutated(_ random: inout SystemRandomNumberGenerator) -> [UInt8] {
        var frame = frames.randomElement(using: &random)!
        for _ in 0..<Int.random(in: 0..<4, using: &random) {
            let place = Int.random(in: 0..<frame.count, using: &random)
            // Most often behind the header: others never come to where they could do harm.
            let offset = place < 14 && Int.random(in: 0..<4, using: &random) > 0 ? min(14, frame.count - 1) : place
            frame[offset] = [0, 1, 2, 16, 20, 255, .random(in: 0...255, using: &random)].randomElement(using: &random)!
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            frame.removeLast(Int.random(in: 0...frame.count, using: &random))
        }
        return frame
    }

    @Test(arguments: ["off", "passive"]) func `every frame is accounted for`(lacp: String) throws {
        let lab = try BundleLab(
            "  be0: {type: bundle, members: [a, b], lacp: \(lacp), addresses: [10.1.0.1/24]}\n"
                + "  be0.7: {type: vlan, parent: be0, dot1q: 7, addresses: [10.7.0.1/24]}\n")
        var random = SystemRandomNumberGenerator()
        func count(_ node: String) -> UInt64 {
            lab.engine.nodeSamples().filter { $0.node == node }.reduce(0) { $0 + $1.counters.packets }
        }
        var dropped: Set<String> = []
        for _ in 0..<200 {
            let before = (input: count("bundle-input"), lacp: count("lacp"), ethernet: count("ethernet-input"))
            let sentBefore = lab.engine.counters(of: lab.interface("a").index).txPackets
            let frames = (0..<200).map { _ in BundleHostileTests.mutated(&random) }
            let outcome = lab.send(frames, at: "a")
            dropped.formUnion(outcome.drops.keys)
            let atInput = outcome.drops.filter { $0.key.hasPrefix("bundle-input/") }.values.reduce(0, +)
            let answered = (outcome.frames["a"] ?? []).count { $0.count > 14 && $0[14] == 2 }
            #expect(count("bundle-input") - before.input == 200)
            #expect(
                atInput + count("lacp") - before.lacp + count("ethernet-input") - before.ethernet + UInt64(answered)
                    == 200)
            #expect(lab.engine.counters(of: lab.interface("a").index).txPackets >= sentBefore)
        }
        let names = [
            "truncated", "slow-protocol-unknown", "slow-protocol-address", "lacp-truncated", "lacp-malformed",
            "marker-truncated", "marker-unexpected",
        ]
        for name in names { #expect(dropped.contains("bundle-input/\(name)"), "\(name) in \(dropped)") }
        #expect(dropped.contains(lacp == "off" ? "bundle-input/lacp-off" : "bundle-input/throttled"))
    }
}
