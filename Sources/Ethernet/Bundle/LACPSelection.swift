// SPDX-License-Identifier: Apache-2.0
import Wire

/// Which links of a bundle belong together and are used (IEEE 802.1AX-2014 clauses 6.4.14, 6.7).
///
/// A bundle is one aggregator: its links are those that lead to one partner's one aggregate. Of these, no more than
/// `maximum` are used, the best by priority, as that side sees them whose system is the lower one; the others stand by. Links
/// of which there are too few for the bundle are not used at all, so that the other side knows.
struct LACPSelection {
    /// Why a link is not selected, or not yet.
    enum Reason: Hashable {
        case linkDown, silent, looped, otherPartner, individual, tooFew, standby
    }

    /// Milliseconds that a better link is waited for while there is room.
    private static let tolerance = 250

    let minimum: Int
    let maximum: Int

    /// What makes links of one aggregate: the partner, its key, and of a link that does not aggregate the port itself.
    private struct Group: Hashable {
        let system: LACPSystem
        let key: UInt16
        let port: LACPPortIdentifier?

        init(_ partner: LACPInformation) {
            system = partner.system
            key = partner.key
            port = partner.state.contains(.aggregatable) ? nil : partner.port
        }
    }

    /// Selects among the ports, and says for each why it is not selected; nil where it is.
    func run(_ ports: inout [LACPPort], at now: Int) -> [Reason?] {
        var reasons = ports.map(objection)
        let candidates = ports.indices.filter { reasons[$0] == nil }
        let chosen = group(candidates, ports)
        var members = candidates.filter { Group(ports[$0].partner) == chosen }
        for index in candidates where Group(ports[index].partner) != chosen {
            reasons[index] = ports[index].partner.state.contains(.aggregatable) ? .otherPartner : .individual
        }
        if members.count < minimum {
            for index in members { reasons[index] = .tooFew }
            members = []
        }
        let used = Set(ranked(members, ports, at: now).prefix(maximum))
        for index in members where !used.contains(index) { reasons[index] = .standby }
        for index in ports.indices {
            switch reasons[index] {
            case nil: ports[index].selected = .selected
            case .standby: ports[index].selected = .standby
            default: ports[index].selected = .unselected
            }
        }
        return reasons
    }

    private func objection(_ port: LACPPort) -> Reason? {
        switch port.receive {
        case .disabled: .linkDown
        case _ where port.loopedUntil != nil: .looped
        case .current: nil
        // A partner that was not heard of in time may be heard again: it stays where it is till nothing is known of it.
        case .expired: port.selected == .unselected ? .silent : nil
        case .defaulted: .silent
        }
    }

    /// The aggregate that most links in use belong to, else that of most links, else that of the first.
    private func group(_ candidates: [Int], _ ports: [LACPPort]) -> Group? {
        let groups = Dictionary(grouping: candidates) { Group(ports[$0].partner) }
        func weight(_ indices: [Int]) -> (Int, Int, Int) {
            let used = indices.count { ports[$0].actor.state.contains(.synchronized) }
            return (used, indices.count, -indices[0])
        }
        return groups.max { weight($0.value) < weight($1.value) }?.key
    }

    /// The best first. A better link takes the place of one in use only when it can be used at once.
    private func ranked(_ members: [Int], _ ports: [LACPPort], at now: Int) -> [Int] {
        let isOurs = members.allSatisfy { ports[$0].actor.system < ports[$0].partner.system }
        // Links that come up together may do so a moment apart.
        let isFull = members.count { ports[$0].actor.state.contains(.synchronized) } >= maximum
        let soon = now + (isFull ? 0 : LACPSelection.tolerance)
        func rank(_ index: Int) -> (Int, UInt16, UInt16, Int) {
            let port = ports[index]
            let identifier = isOurs ? port.actor.port : port.partner.port
            let canBeUsed = port.mux != .detached && (port.mux != .waiting || port.isReady(at: soon))
            let state = port.receive != .current ? 2 : canBeUsed ? 0 : 1
            return (state, identifier.priority, identifier.number, index)
        }
        return members.sorted { rank($0) < rank($1) }
    }
}
