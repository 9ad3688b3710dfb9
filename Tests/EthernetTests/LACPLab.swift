// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Ethernet

/// Two systems with cables between them, and time that passes as the test likes.
struct LACPLab {
    struct Side {
        var aggregator: LACPAggregator
        var isUp: [Bool]
        var reasons: [LACPSelection.Reason?]
        /// LACPDUs sent, with the time.
        var sent: [(time: Int, place: Int, packet: LACPPacket)] = []
        /// A side whose control side does nothing.
        var isAsleep = false
        private var waiting: [(place: Int, packet: LACPPacket, arrival: Int)] = []

        init(
            _ system: UInt64, links: Int, state: LACPState = [.active, .shortTimeout], minimum: Int = 1,
            maximum: Int = 8, priority: UInt16 = 32_768, portPriorities: [UInt16] = []
        ) {
            let actors = (0..<links).map { place in
                LACPInformation(
                    system: LACPSystem(priority: priority, address: MACAddress(system)), key: 1,
                    port: LACPPortIdentifier(
                        priority: place < portPriorities.count ? portPriorities[place] : 32_768,
                        number: UInt16(place + 1)), state: state)
            }
            aggregator = LACPAggregator(actors, minimum: minimum, maximum: maximum)
            isUp = Array(repeating: false, count: links)
            reasons = Array(repeating: .linkDown, count: links)
        }

        var ports: [LACPPort] { aggregator.ports }

        mutating func take(_ packet: LACPPacket, _ place: Int, at now: Int) { waiting.append((place, packet, now)) }

        mutating func run(at now: Int) -> [(place: Int, packet: LACPPacket)] {
            guard !isAsleep else { return [] }
            for (place, packet, arrival) in waiting { aggregator.receive(packet, place, arrival: arrival) }
            waiting = []
            reasons = aggregator.settle(isUp: isUp, at: now)
            let packets = aggregator.takePackets(at: now)
            sent += packets.map { (now, $0.place, $0.packet) }
            return packets
        }
    }

    var a: Side
    var b: Side
    /// Milliseconds.
    private(set) var now = 0
    /// Cables that carry nothing although both sides have a link.
    var silent: Set<Int> = []

    init(_ a: Side, _ b: Side) {
        self.a = a
        self.b = b
    }

    /// Both sides with as many links, all up from the start.
    init(links: Int, state: LACPState = [.active, .shortTimeout]) {
        self.init(
            Side(0x0200_0000_000a, links: links, state: state), Side(0x0200_0000_000b, links: links, state: state))
        for place in 0..<links { setLink(place, true) }
    }

    mutating func setLink(_ place: Int, _ isUp: Bool) {
        a.isUp[place] = isUp
        b.isUp[place] = isUp
    }

    /// Time passes, in steps of ten milliseconds; LACPDUs take one step.
    mutating func pass(_ milliseconds: Int) {
        let end = now + milliseconds
        while now < end {
            now += 10
            let (fromA, fromB) = (a.run(at: now), b.run(at: now))
            for (place, packet) in fromA where !silent.contains(place) { b.take(packet, place, at: now) }
            for (place, packet) in fromB where !silent.contains(place) { a.take(packet, place, at: now) }
        }
    }

    /// Links by which both sides send and receive.
    var used: UInt8 { a.aggregator.sending & b.aggregator.sending & a.aggregator.receiving & b.aggregator.receiving }

    /// No side sends by a link on which the other does not collect.
    var losesNothing: Bool {
        a.aggregator.sending & ~b.aggregator.receiving == 0 && b.aggregator.sending & ~a.aggregator.receiving == 0
    }
}
