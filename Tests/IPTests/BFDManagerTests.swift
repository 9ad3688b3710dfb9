// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Sessions come and go, on one worker and on several.
@Suite("BFD manager") @ControlPlane
struct BFDManagerTests {
    private func target(_ last: UInt8) -> BFDTarget { BFDTarget(peer: .v4(IPv4Address(10, 0, 0, last))) }

    @Test func clientsShareASession() throws {
        let bench = try BFDLab()
        var heard = 0
        let second = try bench.bfd.register(
            BFDTarget(peer: .v4(IPLab.a.ip)), client: "routes", parameters: .every(10)
        ) { _ in heard += 1 }
        #expect(bench.bfd.count == 1 && bench.session.parameters == BFDLab.passive())
        bench.bring(to: .up)
        #expect(heard == 1 && bench.changes.all.count == 1)
        #expect(bench.bfd.state(of: second) == .up)
        bench.bfd.release(second)
        bench.bfd.release(second)
        bench.lab.bench.settle()
        #expect(bench.session.state == .up && bench.bfd.count == 1)
        bench.receive(bench.payload(bench.packet(.down)))
        #expect(heard == 1 && bench.changes.all.count == 2)
    }

    /// The last client's release says AdminDown, for as long as the peer needs to hear it, and then nothing is left.
    @Test func goodbye() throws {
        let bench = try BFDLab()
        bench.bring(to: .up)
        let slot = bench.slot
        bench.bfd.release(bench.registration)
        bench.lab.bench.settle()
        let frames = bench.lab.lan.takeSent()
        #expect(frames.count == 1 && frames[0].count == 14 + 28 + 24)
        #expect(frames.first.map { BFDState(bits: $0[43] >> 6) } == .adminDown)
        let hasLeft = bench.lab.bench.step { bench.bfd.count == 0 }
        #expect(hasLeft && bench.bfd.table[slot].discriminator == 0)
        #expect(bench.bfd.state(of: bench.registration) == nil)
        let payload = bench.payload(bench.packet(.down, your: 0x1234_0000))
        bench.lab.bench.send(
            [bench.frame(payload)], at: bench.lab.lan, drops: ["bfd-input/unknown-discriminator": 1])
        // The place is free again, under another number.
        _ = try bench.bfd.register(BFDTarget(peer: .v4(IPLab.a.ip)), client: "test", parameters: BFDLab.passive())
        #expect(bench.slot == slot)
    }

    /// Who asks again while a session says goodbye has it back.
    @Test func changedMind() throws {
        let bench = try BFDLab()
        bench.bring(to: .up)
        let discriminator = bench.session.discriminator
        bench.bfd.release(bench.registration)
        _ = try bench.bfd.register(BFDTarget(peer: .v4(IPLab.a.ip)), client: "test", parameters: BFDLab.passive())
        bench.lab.bench.settle()
        #expect(bench.session.state == .down && bench.session.discriminator == discriminator)
        bench.bring(to: .up)
        #expect(bench.bfd.count == 1)
    }

    @Test func whatCannotBeHad() throws {
        let bench = try BFDLab()
        func refusal(_ target: BFDTarget) -> String {
            do throws(RouteError) {
                _ = try bench.bfd.register(target, client: "test")
                return "taken"
            } catch {
                return error.description
            }
        }
        #expect(refusal(BFDTarget(peer: .v4(IPv4Address(99, 1, 1, 1)))).contains("no connected network"))
        #expect(refusal(BFDTarget(peer: .v4(IPLab.lanIP))).contains("own address"))
        #expect(refusal(BFDTarget(peer: .v4(IPLab.far), isMultihop: true)).contains("its own address"))
        #expect(
            refusal(BFDTarget(peer: .v4(IPLab.far), local: .v4(IPLab.far), isMultihop: true)).contains(
                "no address of this router"))
        #expect(
            refusal(BFDTarget(peer: .v4(IPLab.a.ip), interface: bench.lab.wan.interface)).contains("no network of wan"))
    }

    @Test func sessionsSpreadOverWorkersAndPacketsFollow() throws {
        let bench = try BFDLab(workerCount: 2)
        let second = try bench.bfd.register(
            BFDTarget(peer: .v4(IPv4Address(10, 0, 0, 3))), client: "test", parameters: BFDLab.passive())
        bench.lab.bench.settle()
        let slot = bench.bfd.table.find(second.key)!
        #expect(bench.bfd.table[bench.slot].worker == 0 && bench.bfd.table[slot].worker == 1)
        // All frames come in by worker 0.
        var packet = bench.packet(.down, your: 0)
        packet.myDiscriminator = 5
        let frame = bench.lab.fromA.ipv4(from: IPv4Address(10, 0, 0, 3), to: IPLab.lanIP, timeToLive: 255)
            .udp(from: 49_152, to: BFDPort.control).payload(bench.payload(packet)).bytes
        bench.lab.lan.send(frame)
        bench.lab.bench.settle()
        #expect(bench.bfd.state(of: second) == .`init`)
        #expect(bench.bfd.table[slot].counters.received == 1)
        bench.lab.bench.settle()
    }

    @Test func tableFindsWhatIsThereAndOnlyThat() {
        let table = BFDTable()
        defer { table.unmap() }
        func key(_ number: Int) -> BFDKey {
            .singleHop(UInt32(number % 7) + 1, peer: .v4(IPv4Address(UInt32(0x0a00_0000 + number))))
        }
        func contents(_ number: Int) -> BFDSlot {
            let discriminator = UInt32(0x1234_0000 + number)
            return BFDSlot(
                discriminator: discriminator, worker: 0, sourcePort: 49_152, key: key(number), local: .v4(.any),
                adjacency: 0, viaInterface: 0, cookie: 0,
                session: BFDSession(discriminator: discriminator, parameters: BFDParameters(), now: 0, seed: 1),
                staged: BFDParameters())
        }
        // Rounds of coming and going leave no trace that slows or misleads.
        for round in 0..<20 {
            for number in 0..<5000 { table.publish(number, contents(number)) }
            for number in 0..<5000 {
                #expect(table.find(key(number)) == number && table.find(UInt32(0x1234_0000 + number)) == number)
            }
            #expect(table.find(key(5001)) == nil && table.find(0x1235_0001) == nil && table.find(0) == nil)
            for number in 0..<5000 where number % 3 != round % 3 { table.withdraw(number) }
            for number in 0..<5000 {
                let isThere = number % 3 == round % 3
                #expect((table.find(key(number)) == number) == isThere)
                if isThere { table.withdraw(number) }
            }
        }
    }
}
