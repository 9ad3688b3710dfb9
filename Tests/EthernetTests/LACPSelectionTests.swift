// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Ethernet

/// Minimum links, hot standby, and what nobody should be able to do to the state machines.
@Suite struct LACPSelectionTests {
    private func lab(
        links: Int, minimum: Int = 1, maximum: Int = 8, a: [UInt16] = [], b: [UInt16] = [], priority: UInt16 = 1
    ) -> LACPLab {
        var lab = LACPLab(
            .init(
                0x0200_0000_000a, links: links, minimum: minimum, maximum: maximum, priority: priority,
                portPriorities: a), .init(0x0200_0000_000b, links: links, priority: 100, portPriorities: b))
        for place in 0..<links { lab.setLink(place, true) }
        return lab
    }

    @Test func `with fewer links than the minimum none is used, and the other side knows`() {
        var lab = lab(links: 3, minimum: 2)
        lab.pass(5000)
        #expect(lab.used == 0b111)
        lab.setLink(0, false)
        lab.pass(100)
        #expect(lab.used == 0b110)
        lab.setLink(1, false)
        lab.pass(100)
        #expect(lab.a.reasons == [.linkDown, .linkDown, .tooFew])
        #expect(lab.a.aggregator.sending == 0 && lab.b.aggregator.sending == 0)
        lab.setLink(1, true)
        lab.pass(3000)
        #expect(lab.used == 0b110)
    }

    /// Both sides wait for a second link: neither waits for the other.
    @Test func `both sides with a minimum come up`() {
        var lab = LACPLab(.init(1 << 41 | 1, links: 2, minimum: 2), .init(1 << 41 | 2, links: 2, minimum: 2))
        lab.setLink(0, true)
        lab.pass(5000)
        #expect(lab.used == 0)
        lab.setLink(1, true)
        lab.pass(3000)
        #expect(lab.used == 0b11)
    }

    @Test func `of more links than the maximum the best are used, and a standby takes over`() {
        var lab = lab(links: 4, maximum: 2, a: [40, 30, 20, 10])
        lab.pass(5000)
        #expect(lab.used == 0b1100)
        #expect(lab.a.reasons == [.standby, .standby, nil, nil])
        lab.setLink(3, false)
        lab.pass(100)
        #expect(lab.used == 0b0110, "the standby has waited already")
        // The better one comes back: it takes over when it can be used, and not before.
        lab.setLink(3, true)
        lab.pass(1500)
        #expect(lab.used == 0b0110)
        lab.pass(1500)
        #expect(lab.used == 0b1100)
    }

    @Test func `the side with the lower system priority says which links stand by`() {
        var lab = lab(links: 2, maximum: 1, a: [1, 2], b: [2, 1], priority: 200)
        lab.pass(5000)
        #expect(lab.used == 0b10)
        lab = self.lab(links: 2, maximum: 1, a: [1, 2], b: [2, 1], priority: 1)
        lab.pass(5000)
        #expect(lab.used == 0b01)
    }

    @Test func `links that come up a moment apart do not take each other's place`() {
        var lab = lab(links: 2, maximum: 1, a: [1, 2])
        lab.setLink(0, false)
        lab.pass(100)
        lab.setLink(0, true)
        var seen: Set<UInt8> = []
        while lab.now < 6000 {
            lab.pass(10)
            seen.insert(lab.used)
        }
        #expect(seen == [0, 0b01])
    }

    /// A standby whose partner has fallen silent is no standby, and one in use makes way for one that is heard.
    @Test func `a silent link makes way for a standby`() {
        var lab = lab(links: 2, maximum: 1, a: [1, 2])
        lab.pass(5000)
        lab.silent = [0]
        lab.pass(4500)
        #expect(lab.used == 0b10)
    }

    /// Whatever comes, nothing goes wrong in the machines, and with a partner that behaves all is well again.
    @Test func `hostile LACPDUs`() {
        var random = SystemRandomNumberGenerator()
        var lab = lab(links: 4, minimum: 2, maximum: 3)
        for _ in 0..<20_000 {
            let place = Int.random(in: 0..<4, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: lab.setLink(place, .random(using: &random))
            case 1: lab.silent = Bool.random(using: &random) ? [place] : []
            default:
                var bytes = [UInt8](
                    LACPPacket(actor: lab.b.ports[place].actor, partner: lab.a.ports[place].actor)
                        .frame(from: .broadcast).dropFirst(14))
                for _ in 0..<Int.random(in: 0..<4, using: &random) {
                    bytes[Int.random(in: 4..<40, using: &random)] = .random(in: 0...255, using: &random)
                }
                let packet = bytes.withBytes { LACPView($0).map { LACPPacket($0) } }
                if let packet { lab.a.take(packet, place, at: lab.now) }
            }
            lab.pass(10 * Int.random(in: 1...20, using: &random))
            let ports = lab.a.ports
            #expect(ports.allSatisfy { $0.mux != .distributing || $0.receive != .disabled })
            #expect(lab.a.aggregator.sending.nonzeroBitCount <= 3)
            let deadline = lab.a.aggregator.deadline(at: lab.now)
            #expect(deadline.map { $0 > lab.now } ?? true)
        }
        lab.silent = []
        for place in 0..<4 { lab.setLink(place, true) }
        lab.pass(200_000)
        #expect(lab.used.nonzeroBitCount == 3)
    }
}
