// SPDX-License-Identifier: Apache-2.0
import Wire

/// The links of one bundle as LACP sees them: each with its state machines, and the selection among them.
struct LACPAggregator {
    /// By place.
    private(set) var ports: [LACPPort]
    private let selection: LACPSelection

    init(_ actors: [LACPInformation], minimum: Int, maximum: Int) {
        ports = actors.map { LACPPort(actor: $0) }
        selection = LACPSelection(minimum: minimum, maximum: maximum)
    }

    /// An LACPDU has come on a link; `settle` follows.
    /// - Parameter arrival: When it came, which may be a while ago.
    mutating func receive(_ packet: LACPPacket, _ place: Int, arrival: Int) {
        ports[place].receive(packet, arrival: arrival)
    }

    /// Has all links go as far as they can now.
    /// - Parameter isUp: Which have a link.
    /// - Returns: Why a link is not selected; nil where it is.
    mutating func settle(isUp: [Bool], at now: Int) -> [LACPSelection.Reason?] {
        for place in ports.indices {
            ports[place].setEnabled(isUp[place], at: now)
            ports[place].pass(to: now)
            // It leaves where it was before it may join anew.
            if ports[place].selected == .unselected { ports[place].settle(at: now) }
        }
        let reasons = selection.run(&ports, at: now)
        for place in ports.indices { ports[place].settle(at: now) }
        return reasons
    }

    /// The LACPDUs to be sent now, each with its link's place.
    mutating func takePackets(at now: Int) -> [(place: Int, packet: LACPPacket)] {
        var packets: [(Int, LACPPacket)] = []
        for place in ports.indices {
            while let packet = ports[place].takePacket(at: now) { packets.append((place, packet)) }
        }
        return packets
    }

    /// Links to send by, links whose frames are taken: a bit for each place.
    var sending: UInt8 { mask(.distributing) }
    var receiving: UInt8 { mask(.collecting) }

    private func mask(_ state: LACPState) -> UInt8 {
        ports.indices.reduce(0) { $0 | (ports[$1].actor.state.isSuperset(of: state) ? 1 << UInt8($1) : 0) }
    }

    /// When `settle` is due next; nil when nothing happens by itself.
    func deadline(at now: Int) -> Int? { ports.compactMap { $0.deadline(at: now) }.min() }

    mutating func clearCounters() { for place in ports.indices { ports[place].clearCounters() } }
}
