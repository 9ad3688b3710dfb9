// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Ethernet

/// The state machines of LACP (IEEE 802.1AX-2014 clause 6.4) between two systems, in a time of their own.
@Suite struct LACPTests {
    @Test(arguments: [[.active, .shortTimeout], [.active]] as [LACPState])
    func `links come up together after the wait for others, and lose no frame by it`(state: LACPState) {
        var lab = LACPLab(links: 4, state: state)
        var lost = 0
        while lab.now < 4000 {
            lab.pass(10)
            if !lab.losesNothing { lost += 1 }
            if lab.now < LACPPort.Interval.aggregateWait { #expect(lab.used == 0) }
        }
        #expect(lab.used == 0b1111 && lost == 0)
        #expect(lab.a.reasons.allSatisfy { $0 == nil })
        #expect(lab.a.ports[0].actor.state.isSuperset(of: [.synchronized, .collecting, .distributing, .aggregatable]))
        #expect(lab.a.ports[0].actor.state.isDisjoint(with: [.expired, .defaulted]))
    }

    @Test func `with short timers an LACPDU goes each second, with long ones each thirty`() {
        for (state, interval) in [([.active, .shortTimeout], 1000), ([.active], 30_000)] as [(LACPState, Int)] {
            var lab = LACPLab(links: 1, state: state)
            lab.pass(10_000)
            let before = lab.a.sent.count
            lab.pass(interval * 10)
            #expect(lab.a.sent.count - before == 10)
        }
    }

    @Test func `no more than three LACPDUs a second, whatever happens`() {
        var lab = LACPLab(links: 1)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            if Int.random(in: 0..<20, using: &random) == 0 {
                var packet = LACPPacket(actor: lab.b.ports[0].actor, partner: lab.a.ports[0].actor)
                packet.partner.state = LACPState(rawValue: .random(in: 0...255, using: &random))
                packet.actor.key = .random(in: 0...2, using: &random)
                lab.a.take(packet, 0, at: lab.now)
            }
            lab.pass(10)
        }
        let times = lab.a.sent.map(\.time)
        for index in times.indices.dropFirst(3) { #expect(times[index] - times[index - 3] >= 1000) }
        #expect(times.count > 20)
    }

    @Test(arguments: [([.active, .shortTimeout], 3000), ([.active], 90_000)] as [(LACPState, Int)])
    func `a silent partner is given up after three intervals`(state: LACPState, timeout: Int) {
        var lab = LACPLab(links: 2, state: state)
        lab.pass(5000)
        lab.silent = [1]
        // The latest LACPDU came an interval ago at most.
        lab.pass(timeout - timeout / 3 - 50)
        #expect(lab.used == 0b11)
        lab.pass(timeout / 3 + 100)
        #expect(lab.used == 0b01 && lab.a.ports[1].receive != .current)
        lab.pass(3100)
        #expect(lab.a.ports[1].receive == .defaulted && lab.a.reasons[1] == .silent)
        #expect(lab.a.ports[1].counters.expired == 1)
        lab.silent = []
        // It speaks each second, since nothing is known of the partner's wish.
        lab.pass(5000)
        #expect(lab.used == 0b11)
    }

    /// The control side does nothing for two seconds; what came meanwhile counts from when it came.
    @Test func `with short timers a control side that stands still for two seconds costs no link`() {
        for offset in stride(from: 0, to: 1000, by: 100) {
            var lab = LACPLab(links: 2)
            lab.pass(5000 + offset)
            let expired = lab.a.ports[0].counters.expired
            lab.a.isAsleep = true
            lab.pass(1900)
            lab.a.isAsleep = false
            lab.pass(3000)
            #expect(lab.used == 0b11 && lab.a.ports[0].counters.expired == expired)
            #expect(lab.b.ports[0].counters.expired == 0)
        }
    }

    @Test func `a lost link leaves at once, and joins again after the wait`() {
        var lab = LACPLab(links: 2)
        lab.pass(5000)
        lab.setLink(0, false)
        lab.pass(10)
        #expect(lab.used == 0b10 && lab.a.reasons[0] == .linkDown)
        lab.pass(20_000)
        #expect(lab.used == 0b10)
        lab.setLink(0, true)
        lab.pass(3000)
        #expect(lab.used == 0b11)
    }

    @Test func `two passive sides say nothing; one active side is enough`() {
        let passive: LACPState = [.shortTimeout]
        var lab = LACPLab(links: 1, state: passive)
        lab.pass(20_000)
        #expect(lab.used == 0 && lab.a.sent.isEmpty && lab.b.sent.isEmpty && lab.a.reasons[0] == .silent)
        lab = LACPLab(.init(1 << 41 | 1, links: 1), .init(1 << 41 | 2, links: 1, state: passive))
        lab.setLink(0, true)
        lab.pass(5000)
        #expect(lab.used == 1)
    }

    @Test func `what says that it is over is believed at once`() throws {
        var lab = LACPLab(links: 1)
        lab.pass(5000)
        let farewell = try #require(lab.b.ports[0].farewell())
        lab.b.isAsleep = true
        lab.a.take(farewell, 0, at: lab.now)
        lab.pass(20)
        #expect(lab.a.aggregator.sending == 0)
    }

    @Test func `links to another system, or with another key, are not of the bundle`() {
        var lab = LACPLab(links: 3)
        let stranger = LACPLab.Side(0x0200_0000_00cc, links: 3)
        var strange = stranger.ports[2].actor
        lab.silent = [2]
        lab.pass(1000)
        for second in 0..<8 {
            strange.state = [.active, .aggregatable, .synchronized, .collecting, .distributing]
            strange.key = second < 4 ? 1 : 7
            if second >= 4 { strange.system = lab.b.ports[0].actor.system }
            lab.a.take(LACPPacket(actor: strange, partner: lab.a.ports[2].actor), 2, at: lab.now)
            lab.pass(1000)
            #expect(lab.a.reasons[2] == .otherPartner)
        }
        #expect(lab.a.aggregator.sending == 0b011)
    }

    @Test func `a link that does not aggregate is used alone or not at all`() {
        func run(others: Bool) -> LACPLab {
            var lab = LACPLab(links: 2)
            lab.silent = others ? [1] : [0, 1]
            for _ in 0..<5 {
                var single = lab.b.ports[1].actor
                single.state = [.active, .synchronized, .collecting, .distributing]
                lab.a.take(LACPPacket(actor: single, partner: lab.a.ports[1].actor), 1, at: lab.now)
                lab.pass(1000)
            }
            return lab
        }
        #expect(run(others: true).a.reasons == [nil, .individual])
        #expect(run(others: false).a.aggregator.sending == 0b10)
    }

    @Test func `the router's own LACPDUs are no partner's`() {
        var lab = LACPLab(links: 2)
        lab.silent = [1]
        lab.pass(5000)
        for _ in 0..<5 {
            let own = lab.a.ports[1]
            lab.a.take(LACPPacket(actor: own.actor, partner: own.actor), 1, at: lab.now)
            lab.pass(500)
            #expect(lab.a.reasons[1] == .looped)
        }
        #expect(lab.a.aggregator.sending == 0b01 && lab.a.ports[1].counters.looped == 5)
        lab.pass(4000)
        #expect(lab.a.reasons[1] == .silent)
    }
}
