// SPDX-License-Identifier: Apache-2.0
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Ethernet

/// What a bridge refuses to flood, to learn or to send.
@Suite @ControlPlane struct BridgeStormTests {
    private typealias Lab = BridgeLab

    private func count(_ frames: Int, from station: Int, to destination: MACAddress, at port: String, _ lab: Lab) -> Int
    {
        for _ in 0..<frames { lab.ports[port]?.receive([Lab.frame(Lab.mac(station), destination)]) }
        lab.settle()
        return lab.takeSent()["b"]?.count ?? 0
    }

    @Test func `floods beyond a rate are dropped, each kind by itself`() throws {
        let lab = try Lab(
            """
              lan:
                members:
                - {interface: a, storm-control: {broadcast: 10, unknown-unicast: 20}}
                - b

            """)
        let group = MACAddress(0x0100_5e00_0001)
        // A tenth of a second's worth at once, and whatever the time that this takes allows.
        #expect((1...20).contains(count(100, from: 1, to: .broadcast, at: "a", lab)))
        #expect((2...40).contains(count(100, from: 1, to: Lab.mac(9), at: "a", lab)))
        #expect(count(100, from: 1, to: group, at: "a", lab) == 100)
        let drops = Dictionary(lab.engine.dropSamples().map { ($0.reason, $0.count) }, uniquingKeysWith: +)
        #expect(drops["broadcast-storm", default: 0] >= 80 && drops["unknown-unicast-storm", default: 0] >= 60)
        #expect(drops["multicast-storm", default: 0] == 0)
        // The other way nothing is limited, and what is known passes.
        lab.learn([(2, port: "b")])
        #expect(count(100, from: 1, to: Lab.mac(2), at: "a", lab) == 100)
    }

    @Test(arguments: [false, true])
    func `a station that moves too often stays where it is until the interval is over`(drops: Bool) throws {
        let lab = try Lab(
            "  lan: {members: [a, b, c], move-limit: 2, move-interval: 3600, at-move-limit: \(drops ? "drop" : "forward")}\n"
        )
        lab.learn([(1, port: "a"), (1, port: "b"), (1, port: "a")])
        #expect(lab.port(of: 1) == "a" && lab.store.total.moved == 2)
        let frame = Lab.frame(Lab.mac(1), .broadcast)
        if drops {
            lab.send([frame], at: "b", drops: ["bridge-input/moves-too-often": 1])
        } else {
            lab.send([frame], at: "b", expect: ["a": [frame], "c": [frame]])
        }
        #expect(lab.port(of: 1) == "a" && lab.store.total.held == 1 && lab.store.total.moved == 2)
        // It goes on to be heard of where it is; others move.
        lab.send([frame], at: "a", expect: ["b": [frame], "c": [frame]])
        lab.learn([(2, port: "a"), (2, port: "c")])
        #expect(lab.port(of: 2) == "c")
    }

    @Test func `moves are forgotten after the interval, and two stations of one place do not count together`() {
        let damper = MoveDamper()
        defer { damper.unmap() }
        damper.setLimit(MoveDamper.Limit(moves: 1, interval: 10), ofDomain: 1)
        let key = FDBKey(0x11, domain: 1)
        #expect(damper.admits(key, 100) && !damper.admits(key, 100) && !damper.admits(key, 110))
        #expect(damper.admits(key, 111) && !damper.admits(key, 111))
        // Of another domain, without a limit.
        let free = FDBKey(0x11, domain: 2)
        for _ in 0..<10 { #expect(damper.admits(free, 111)) }
        // Time goes round.
        #expect(damper.admits(key, .max) && !damper.admits(key, 5))
        let others = (0..<100_000).filter { !damper.admits(FDBKey(UInt64($0) << 8, domain: 1), 5) }
        #expect(others.isEmpty, "one move each is what they may have")
    }

    @Test func `a frame longer than the port's MTU does not leave by it`() throws {
        let lab = try Lab("  lan: {members: [a, b, c]}\n")
        lab.engine.interface(named: "b")?.mtu = 100
        lab.learn([(2, port: "b"), (3, port: "c")])
        let head = Lab.frame(1, 2).prefix(14)
        let fits = Array(head) + [UInt8](repeating: 1, count: 104)
        lab.send([fits], at: "a", expect: ["b": [fits]])
        lab.send([fits + [1]], at: "a", drops: ["bridge-input/too-long": 1])
        let flooded = Array(Lab.frame(1, 9).prefix(14)) + [UInt8](repeating: 1, count: 105)
        lab.send([flooded], at: "a", expect: ["c": [flooded]])
        lab.engine.interface(named: "b")?.mtu = 101
        lab.send([fits + [1]], at: "a", expect: ["b": [fits + [1]]])
    }
}
