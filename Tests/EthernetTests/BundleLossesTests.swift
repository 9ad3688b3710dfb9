// SPDX-License-Identifier: Apache-2.0
import Graph
import Synchronization
import Testing

@testable import Ethernet

/// A member's lost link, as the thread with the kernel's news tells of it and as the control side comes to it.
@Suite struct BundleLossesTests {
    private final class Heard: Sendable {
        private let events = Mutex<[(InterfaceIndex, Bool)]>([])
        func add(_ interface: InterfaceIndex, _ isLost: Bool) { events.withLock { $0.append((interface, isLost)) } }
        /// What was said of the bundle's own link, in its order.
        var ofBundle: [Bool] { events.withLock { $0.filter { $0.0 == 9 }.map(\.1) } }
    }

    private struct Lab {
        let table = BundleTable()
        let alarm: LinkAlarm
        let losses: BundleLosses
        let heard = Heard()

        /// Bundle 1, interface 9, of the interfaces 1, 2 and 3.
        @ControlPlane
        init(minimum: Int = 1) throws {
            var options = Engine.Options()
            options.bufferCount = 512
            alarm = try Engine(options).linkAlarm
            losses = BundleLosses(table, alarm)
            for place in 0..<3 { table[place: UInt32(place) + 1] = BundlePlace(bundle: 1, member: place) }
            table[place: 9] = BundlePlace(bundle: 1)
            losses.add(1, 9, minimum: minimum)
            alarm.onChange { [losses, heard] in
                losses.hear($0, isLost: $1, at: $2)
                heard.add($0, $1)
            }
        }

        var sending: UInt8 { table[1].status.sending }
        func news(_ interface: InterfaceIndex, isLost: Bool) { alarm.sound(interface, isLost: isLost, at: Clock.now) }
        @discardableResult
        func publish(_ sending: UInt8, standbys: [UInt8] = []) -> Bool {
            losses.publish(.init(sending: sending, receiving: 0xff, standbys: standbys), of: 1).isUp
        }
    }

    @Test @ControlPlane func `a lost member is sent by no more, before the control side knows`() throws {
        let lab = try Lab()
        #expect(lab.publish(0b111) && lab.sending == 0b111)
        lab.news(2, isLost: true)
        #expect(lab.sending == 0b101 && lab.heard.ofBundle == [])
        // The control side says what it knows, which is old.
        #expect(lab.publish(0b111) && lab.sending == 0b101)
        // It comes to the loss, then to the news that the link is back.
        lab.publish(0b101)
        lab.news(2, isLost: false)
        #expect(lab.sending == 0b101)
        lab.losses.clear(2)
        lab.publish(0b111)
        #expect(lab.sending == 0b111)
        lab.table.unmap()
    }

    @Test @ControlPlane func `a link that is lost again meanwhile is not trusted`() throws {
        let lab = try Lab()
        lab.publish(0b11)
        for isLost in [true, false, true] { lab.news(1, isLost: isLost) }
        lab.publish(0b10)
        lab.losses.clear(1)
        lab.publish(0b11)
        #expect(lab.sending == 0b10)
        lab.table.unmap()
    }

    @Test @ControlPlane func `with too few members the bundle's own link is lost, and said to be`() throws {
        let lab = try Lab(minimum: 2)
        #expect(lab.publish(0b111))
        lab.news(1, isLost: true)
        #expect(lab.heard.ofBundle == [])
        lab.news(2, isLost: true)
        #expect(lab.heard.ofBundle == [true] && lab.sending == 0b100)
        #expect(!lab.publish(0b100))
        lab.news(2, isLost: false)
        #expect(lab.heard.ofBundle == [true])
        lab.losses.clear(2)
        #expect(lab.publish(0b110))
        #expect(lab.heard.ofBundle == [true, false])
        lab.table.unmap()
    }

    @Test @ControlPlane func `a standby takes over by the same store`() throws {
        let lab = try Lab()
        lab.publish(0b001, standbys: [2, 1])
        lab.news(1, isLost: true)
        #expect(lab.sending == 0b100 && lab.heard.ofBundle == [])
        lab.news(3, isLost: true)
        #expect(lab.sending == 0b010)
        lab.news(2, isLost: true)
        #expect(lab.sending == 0 && lab.heard.ofBundle == [true])
        lab.table.unmap()
    }

    /// Whatever the order: a link that is lost by the latest news is not sent by, and when all is well all are.
    @Test @ControlPlane func `any order of events`() throws {
        let lab = try Lab()
        var random = SystemRandomNumberGenerator()
        var waiting: [(member: InterfaceIndex, isLost: Bool)] = []
        var latest: [InterfaceIndex: Bool] = [:]
        var known: UInt8 = 0b111
        lab.publish(known)
        func catchUp() {
            let event = waiting.removeFirst()
            let bit: UInt8 = 1 << UInt8(event.member - 1)
            if event.isLost { known &= ~bit } else { known |= bit }
            if !event.isLost { lab.losses.clear(event.member) }
            lab.publish(known)
        }
        for _ in 0..<5000 {
            let member = InterfaceIndex.random(in: 1...3, using: &random)
            if Bool.random(using: &random) {
                let isLost = !(latest[member] ?? false)
                latest[member] = isLost
                waiting.append((member, isLost))
                lab.news(member, isLost: isLost)
            } else if !waiting.isEmpty {
                catchUp()
            }
            for (member, isLost) in latest where isLost { #expect(lab.sending >> UInt8(member - 1) & 1 == 0) }
            #expect((lab.sending == 0) == (lab.heard.ofBundle.last ?? false))
        }
        for (member, isLost) in latest where isLost {
            waiting.append((member, false))
            lab.news(member, isLost: false)
        }
        while !waiting.isEmpty { catchUp() }
        #expect(lab.sending == 0b111 && lab.heard.ofBundle.last != true)
        lab.table.unmap()
    }
}
