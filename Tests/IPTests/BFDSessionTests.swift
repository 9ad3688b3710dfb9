// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import IP

/// The state machine of RFC 5880 section 6.8.6, transition by transition.
@Suite("BFD session")
struct BFDSessionTests {
    static let now: UInt64 = 1_000_000_000

    static func packet(_ state: BFDState, _ flags: BFDFlags = [], echo: UInt32 = 0) -> BFDPacket {
        BFDPacket(
            state: state, flags: flags, myDiscriminator: 77, yourDiscriminator: 1, desiredMinTx: 100_000,
            requiredMinRx: 100_000, requiredMinEchoRx: echo)
    }

    /// A session that was brought to `state` by packets.
    static func session(in state: BFDState, _ parameters: BFDParameters = .every(100)) -> BFDSession {
        var session = BFDSession(discriminator: 1, parameters: parameters, now: now, seed: 3)
        switch state {
        case .adminDown: _ = session.setAdministrativelyDown(true, now: now)
        case .down: break
        case .`init`: _ = session.receive(packet(.down), now: now)
        case .up: _ = session.receive(packet(.`init`), now: now)
        }
        #expect(session.state == state)
        return session
    }

    struct Transition: CustomTestStringConvertible, Sendable {
        let state: BFDState
        let received: BFDState
        let next: BFDState
        var diagnostic = BFDDiagnostic.none

        var testDescription: String { "\(state), \(received) received: \(next)" }
    }

    static let transitions = [
        Transition(state: .down, received: .adminDown, next: .down),
        Transition(state: .down, received: .down, next: .`init`),
        Transition(state: .down, received: .`init`, next: .up),
        Transition(state: .down, received: .up, next: .down),
        Transition(state: .`init`, received: .adminDown, next: .down, diagnostic: .neighborSignaledDown),
        Transition(state: .`init`, received: .down, next: .`init`),
        Transition(state: .`init`, received: .`init`, next: .up),
        Transition(state: .`init`, received: .up, next: .up),
        Transition(state: .up, received: .adminDown, next: .down, diagnostic: .neighborSignaledDown),
        Transition(state: .up, received: .down, next: .down, diagnostic: .neighborSignaledDown),
        Transition(state: .up, received: .`init`, next: .up),
        Transition(state: .up, received: .up, next: .up),
        Transition(state: .adminDown, received: .adminDown, next: .adminDown, diagnostic: .administrativelyDown),
        Transition(state: .adminDown, received: .down, next: .adminDown, diagnostic: .administrativelyDown),
        Transition(state: .adminDown, received: .`init`, next: .adminDown, diagnostic: .administrativelyDown),
        Transition(state: .adminDown, received: .up, next: .adminDown, diagnostic: .administrativelyDown),
    ]

    @Test(arguments: transitions) func receives(transition: Transition) {
        var session = Self.session(in: transition.state)
        let reaction = session.receive(Self.packet(transition.received), now: Self.now + 10)
        #expect(session.state == transition.next)
        #expect(session.diagnostic == transition.diagnostic)
        let isChange = transition.state != transition.next
        // News travel at once, not with the next periodic packet.
        #expect(reaction == (isChange ? [.stateChanged, .transmit] : []))
        #expect(session.remote.discriminator == 77 && session.remote.state == transition.received)
    }

    @Test(arguments: [BFDState.adminDown, .down, .`init`, .up]) func detectionTimeExpires(state: BFDState) {
        var session = Self.session(in: state)
        _ = session.receive(Self.packet(state == .up ? .up : .down), now: Self.now)
        let from = session.state
        let isAlive = from == .up || from == .`init`
        // Three times the greater of what is required here and desired there.
        #expect(session.detectionTime == 300_000)
        let early = session.expire(now: Self.now + 299_999)
        #expect(!early.contains(.stateChanged) && session.remote.discriminator == 77)
        let reaction = session.expire(now: Self.now + 300_000)
        #expect(reaction.contains(.stateChanged) == isAlive)
        #expect(session.state == (isAlive ? .down : from))
        if isAlive { #expect(session.diagnostic == .detectionTimeExpired) }
        // Whoever is silent for so long is a stranger again.
        #expect(session.remote.discriminator == 0 && session.remote.requiredMinRx == 1)
        #expect(session.packet(final: false).yourDiscriminator == 0)
    }

    /// As long as the caller was away, at most an interval of the peer's, here 100 ms.
    @Test(arguments: [(2_000, 0), (3_000, 3_000), (400_000, 100_000)] as [(UInt64, UInt64)])
    func `who has been away does not judge at once`(late: UInt64, grace: UInt64) {
        var session = Self.session(in: .up)
        let now = Self.now + 400_000
        _ = session.expire(now: now, late: late)
        #expect(session.state == (grace > 0 ? .up : .down))
        guard grace > 0 else { return }
        // What is to be sent is not put off.
        session.transmitted(now: now)
        #expect(session.nextEvent <= now + grace)
        _ = session.expire(now: now + grace - 1)
        #expect(session.state == .up)
        _ = session.expire(now: now + grace)
        #expect(session.state == .down)
    }

    @Test func `who is late all the time judges all the same`() {
        var session = Self.session(in: .up)
        for time in [100_000, 200_000, 295_000, 350_000] as [UInt64] {
            _ = session.expire(now: Self.now + time, late: 50_000)
            #expect(session.state == .up)
        }
        _ = session.expire(now: Self.now + 400_000, late: 50_000)
        #expect(session.state == .down)
    }

    /// 5 ms before the judgement the caller comes back: that the judgement itself comes in time does not help the peer.
    @Test func `who comes back shortly before does not judge at once`() {
        var session = Self.session(in: .up)
        _ = session.expire(now: Self.now + 295_000, late: 140_000)
        session.transmitted(now: Self.now + 295_000)
        _ = session.expire(now: Self.now + 300_000)
        #expect(session.state == .up)
        _ = session.expire(now: Self.now + 395_000)
        #expect(session.state == .down)
    }

    @Test func adminDownSpeaksOnAndComesBack() {
        var session = Self.session(in: .up)
        #expect(session.setAdministrativelyDown(true, now: Self.now) == [.stateChanged, .transmit])
        #expect(session.setAdministrativelyDown(true, now: Self.now) == [])
        let packet = session.packet(final: false)
        #expect(packet.state == .adminDown && packet.diagnostic == .administrativelyDown)
        session.transmitted(now: Self.now)
        #expect(session.nextEvent <= Self.now + 1_000_000)
        #expect(session.setAdministrativelyDown(false, now: Self.now + 5) == [.stateChanged, .transmit])
        #expect(session.state == .down && session.diagnostic == .none)
    }

    @Test func passiveWaits() {
        var parameters = BFDParameters.every(100)
        parameters.isPassive = true
        var session = BFDSession(discriminator: 1, parameters: parameters, now: Self.now, seed: 3)
        #expect(session.nextEvent == .max && session.transmitInterval == 0)
        #expect(session.receive(Self.packet(.down), now: Self.now) == [.stateChanged, .transmit])
        #expect(session.transmitInterval == 1_000_000)
        // The peer is gone: silence again, the change of state included.
        let reaction = session.expire(now: Self.now + 300_000)
        #expect(reaction == .stateChanged && session.state == .down)
        #expect(session.nextEvent == .max)
    }

    @Test func pollIsAnsweredAtOnceInEveryState() {
        for state in [BFDState.down, .`init`, .up] {
            var session = Self.session(in: state)
            let reaction = session.receive(Self.packet(state == .up ? .up : .down, .poll), now: Self.now)
            #expect(reaction.contains(.final) && !reaction.contains(.transmit))
            let answer = session.packet(final: true)
            #expect(answer.flags.contains(.final) && !answer.flags.contains(.poll))
        }
        // Section 6.8.6 discards the packet before it comes to the poll.
        var session = Self.session(in: .adminDown)
        #expect(session.receive(Self.packet(.down, .poll), now: Self.now) == [])
    }

    @Test func contentsOfPackets() {
        var parameters = BFDParameters.every(50, multiplier: 4)
        parameters.echoReceiveInterval = 20_000
        let session = Self.session(in: .`init`, parameters)
        let packet = session.packet(final: false)
        // Not Up: it wants to send once a second at most, and says so.
        #expect(
            packet
                == BFDPacket(
                    state: .`init`, flags: .controlPlaneIndependent, multiplier: 4, myDiscriminator: 1,
                    yourDiscriminator: 77, desiredMinTx: 1_000_000, requiredMinRx: 50_000, requiredMinEchoRx: 20_000))
    }

    @Test func peerThatWantsNoPackets() {
        var session = Self.session(in: .up)
        var packet = Self.packet(.up)
        packet.requiredMinRx = 0
        _ = session.receive(packet, now: Self.now)
        #expect(session.transmitInterval == 0)
        // A poll is answered all the same.
        packet.flags = .poll
        #expect(session.receive(packet, now: Self.now).contains(.final))
    }

    /// Section 6.8.7: silent while both are Up and the peer demands; but a poll sequence of our own is sent.
    @Test func demandOfThePeer() {
        var session = Self.session(in: .up)
        _ = session.receive(Self.packet(.up, [.final, .demand]), now: Self.now)
        #expect(session.transmitInterval == 0)
        #expect(session.receive(Self.packet(.up, [.poll, .demand]), now: Self.now).contains(.final))
        session.change(to: .every(50), now: Self.now)
        #expect(session.transmitInterval == 100_000)
        #expect(session.packet(final: false).flags.contains(.poll))
        _ = session.receive(Self.packet(.up, [.final, .demand]), now: Self.now)
        #expect(session.transmitInterval == 0)
        _ = session.receive(Self.packet(.up), now: Self.now)
        #expect(session.transmitInterval == 100_000)
        // The D bit is the peer's; ours is never set.
        #expect(!session.packet(final: false).flags.contains(.demand))
    }
}
