// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import IP

/// Two sessions and the link between them, in a time of its own: microseconds pass as fast as they can be computed.
struct BFDLink {
    struct Sent {
        let time: UInt64
        let from: Int
        let packet: BFDPacket
    }

    struct Change: Equatable {
        let time: UInt64
        let side: Int
        let state: BFDState
        let diagnostic: BFDDiagnostic
    }

    var sides: [BFDSession]
    var now: UInt64
    /// Microseconds on the way.
    var delay: UInt64 = 100
    /// Whether packets from that side arrive.
    var isOpen = [true, true]
    /// Whether the other side sends echo packets back to that side.
    var isEchoing = [true, true]
    var sent: [Sent] = []
    var changes: [Change] = []
    var echoesSent = [0, 0]
    private var underWay: [(time: UInt64, to: Int, packet: BFDPacket?)] = []

    init(_ a: BFDParameters = BFDParameters(), _ b: BFDParameters = BFDParameters(), seed: UInt32 = 1) {
        now = 5_000_000
        sides = [
            BFDSession(discriminator: 11, parameters: a, now: now, seed: seed &* 7919 | 1),
            BFDSession(discriminator: 22, parameters: b, now: now, seed: seed &* 104_729 | 1),
        ]
    }

    /// The moment at which something happens next.
    private var next: UInt64 {
        min(sides.map(\.nextEvent).min()!, underWay.map(\.time).min() ?? .max)
    }

    mutating func run(for microseconds: UInt64) { run(until: now + microseconds) { _ in false } }

    /// Runs until `condition` holds after some event; false when it never does before `end`.
    @discardableResult
    mutating func run(until end: UInt64, _ condition: (BFDLink) -> Bool) -> Bool {
        while next <= end {
            now = max(now, next)
            step()
            if condition(self) { return true }
        }
        now = end
        return false
    }

    /// Runs until both sides are Up, which must be soon.
    mutating func bringUp(_ sourceLocation: SourceLocation = #_sourceLocation) {
        let isUp = run(until: now + 10_000_000) { $0.sides.allSatisfy { $0.state == .up } }
        #expect(isUp, "the sessions did not come up", sourceLocation: sourceLocation)
    }

    private mutating func step() {
        if let position = underWay.firstIndex(where: { $0.time <= now }) {
            let arrived = underWay.remove(at: position)
            if let packet = arrived.packet {
                perform(arrived.to) { $0.receive(packet, now: $1) }
            } else {
                perform(arrived.to) {
                    $0.receiveEcho(now: $1)
                    return []
                }
            }
            return
        }
        for side in sides.indices where sides[side].nextEvent <= now { perform(side) { $0.expire(now: $1) } }
    }

    /// Has something happen to one side, and does what it wants done.
    mutating func perform(_ side: Int, _ body: (inout BFDSession, UInt64) -> BFDReaction) {
        let before = sides[side].state
        let reaction = body(&sides[side], now)
        #expect(reaction.contains(.stateChanged) == (before != sides[side].state))
        if before != sides[side].state {
            changes.append(
                Change(time: now, side: side, state: sides[side].state, diagnostic: sides[side].diagnostic))
        }
        #expect(!reaction.isSuperset(of: [.final, .transmit]))
        if reaction.contains(.final) || reaction.contains(.transmit) {
            sides[side].transmitted(now: now)
            let packet = sides[side].packet(final: reaction.contains(.final))
            sent.append(Sent(time: now, from: side, packet: packet))
            if isOpen[side] { underWay.append((now + delay, 1 - side, packet)) }
        }
        if reaction.contains(.echo) {
            echoesSent[side] += 1
            if isOpen[side], isOpen[1 - side], isEchoing[side] { underWay.append((now + 2 * delay, side, nil)) }
        }
    }

    mutating func change(_ side: Int, _ body: (inout BFDParameters) -> Void) {
        var parameters = sides[side].parameters
        body(&parameters)
        sides[side].change(to: parameters, now: now)
    }

    /// Forgets what was sent and what changed, so that only what follows is seen.
    mutating func forget() {
        sent = []
        changes = []
    }

    /// The times between the packets that a side sent on its own account.
    func intervals(of side: Int) -> [UInt64] {
        let times = sent.filter { $0.from == side && !$0.packet.flags.contains(.final) }.map(\.time)
        return zip(times, times.dropFirst()).map { $1 - $0 }
    }
}

extension BFDParameters {
    /// Equal intervals in both directions, milliseconds.
    static func every(_ milliseconds: UInt32, multiplier: UInt8 = 3) -> BFDParameters {
        var parameters = BFDParameters()
        parameters.transmitInterval = milliseconds * 1000
        parameters.receiveInterval = milliseconds * 1000
        parameters.multiplier = multiplier
        return parameters
    }
}
