// SPDX-License-Identifier: Apache-2.0
import Wire

/// What LACP knows and does on one link: the state machines of IEEE 802.1AX-2014 clause 6.4 but for selection, which looks at
/// all links of a bundle (`LACPSelection`).
///
/// Time comes from outside, in milliseconds, so that a test can have it pass as it likes. Whoever owns a port tells it what
/// happened, lets selection run, and then has it `settle`; it asks with `deadline` to be settled again then, or earlier.
struct LACPPort {
    /// How the other side is heard (clause 6.4.12).
    enum Receive: String, Sendable, Encodable {
        /// The link is down.
        case disabled
        /// The other side has not been heard of in time.
        case expired
        /// It has not been heard of for longer: nothing is known of it.
        case defaulted
        case current
    }

    /// What the link does (clause 6.4.15, independent control: a link sends only when the other side says that it collects,
    /// so that no frame is lost when links join).
    enum Mux: String, Sendable, Encodable {
        case detached, waiting, attached, collecting, distributing
    }

    /// Whether the link belongs to the bundle (clause 6.4.14).
    enum Selected: String, Sendable, Encodable {
        case unselected, selected, standby
    }

    struct Counters: Sendable, Encodable {
        var received = 0
        var sent = 0
        /// Times the other side was not heard of in time.
        var expired = 0
        /// LACPDUs that this router sent itself, or another with its identity.
        var looped = 0
    }

    /// Milliseconds (clause 6.4.4).
    enum Interval {
        static let fast = 1000
        static let slow = 30_000
        static let shortTimeout = 3 * fast
        static let longTimeout = 3 * slow
        /// How long a link waits for others before it joins, so that they join together.
        static let aggregateWait = 2000
    }

    /// What the standard lets a port send within a fast interval.
    private static let burst = 3

    var actor: LACPInformation
    var partner = LACPPort.unknown
    private(set) var receive = Receive.disabled
    private(set) var mux = Mux.detached
    var selected = Selected.unselected
    private(set) var counters = Counters()
    /// Until when the other side counts as this router itself.
    private(set) var loopedUntil: Int?
    /// When the other side counts as silent, when the next periodic LACPDU is due, when the wait for other links ends.
    private(set) var currentWhile: Int?
    private(set) var nextPeriodic: Int?
    private(set) var waitWhile: Int?
    /// An LACPDU is to be sent.
    private(set) var needsToSend = false
    /// When the latest LACPDUs were sent, the oldest first.
    private var latest: [Int] = []

    /// What is assumed of a partner of whom nothing is known: that it can do nothing, and wants to hear something each second
    /// (clause 6.4.7, administrative values).
    static let unknown = LACPInformation(state: .shortTimeout)

    /// - Parameter actor: This side; of its state, whether it is active and which timeout it wants.
    init(actor: LACPInformation) {
        self.actor = actor
        self.actor.state = actor.state.intersection([.active, .shortTimeout]).union([.aggregatable, .defaulted])
    }

    // MARK: - What happens

    /// The link is up, or down.
    mutating func setEnabled(_ isEnabled: Bool, at now: Int) {
        guard isEnabled != (receive != .disabled) else { return }
        loopedUntil = nil
        guard isEnabled else {
            receive = .disabled
            selected = .unselected
            partner.state.remove(.synchronized)
            actor.state.remove(.expired)
            (currentWhile, nextPeriodic) = (nil, nil)
            needsToSend = false
            return
        }
        expire(at: now)
    }

    /// An LACPDU has come.
    /// - Parameter arrival: When it came, which may be a while before it is looked at.
    mutating func receive(_ packet: LACPPacket, arrival: Int) {
        guard receive != .disabled else { return }
        counters.received += 1
        if packet.actor.system == actor.system {
            counters.looped += 1
            loopedUntil = arrival + timeout
            selected = .unselected
            return
        }
        loopedUntil = nil
        // update_Selected (clause 6.4.9): another partner than before.
        if packet.actor.identity != partner.identity { selected = .unselected }
        // update_NTT: what the other side knows of this one is not so.
        let told: LACPState = [.active, .shortTimeout, .synchronized, .aggregatable]
        if packet.partner.identity.exceptAggregation != actor.identity.exceptAggregation
            || packet.partner.state.intersection(told) != actor.state.intersection(told)
        {
            needsToSend = true
        }
        record(packet)
        receive = .current
        actor.state.subtract([.expired, .defaulted])
        currentWhile = arrival + timeout
    }

    private var timeout: Int { actor.state.contains(.shortTimeout) ? Interval.shortTimeout : Interval.longTimeout }

    /// recordPDU (clause 6.4.9).
    private mutating func record(_ packet: LACPPacket) {
        partner = packet.actor
        let isKept =
            packet.actor.state.contains(.active)
            || actor.state.contains(.active) && packet.partner.state.contains(.active)
        let isMatched = packet.partner.identity == actor.identity || !packet.actor.state.contains(.aggregatable)
        if !isKept || !isMatched { partner.state.remove(.synchronized) }
    }

    /// Something is to be said soon, whatever the timers say.
    mutating func say() { needsToSend = receive != .disabled }

    // MARK: - What follows

    /// Times out what is due.
    mutating func pass(to now: Int) {
        if let loopedUntil, now >= loopedUntil { self.loopedUntil = nil }
        if let currentWhile, now >= currentWhile {
            if receive == .expired {
                receive = .defaulted
                // update_Default_Selected, recordDefault.
                selected = .unselected
                partner = LACPPort.unknown
                actor.state.remove(.expired)
                actor.state.insert(.defaulted)
                self.currentWhile = nil
            } else {
                counters.expired += 1
                expire(at: now)
            }
        }
        setPeriodic(at: now)
    }

    /// Nothing was heard, and it is hoped that the other side speaks up in three seconds (clause 6.4.12, EXPIRED).
    private mutating func expire(at now: Int) {
        receive = .expired
        partner.state.remove(.synchronized)
        partner.state.insert(.shortTimeout)
        actor.state.insert(.expired)
        currentWhile = now + Interval.shortTimeout
    }

    /// The periodic transmission machine (clause 6.4.13).
    private mutating func setPeriodic(at now: Int) {
        guard receive != .disabled, !actor.state.union(partner.state).isDisjoint(with: .active) else {
            nextPeriodic = nil
            return
        }
        let interval = partner.state.contains(.shortTimeout) ? Interval.fast : Interval.slow
        guard let due = nextPeriodic else {
            nextPeriodic = now + interval
            needsToSend = true
            return
        }
        if now >= due {
            needsToSend = true
            nextPeriodic = now + interval
        } else if due > now + interval {
            // Quicker from here on: the first at once.
            needsToSend = true
            nextPeriodic = now + interval
        }
    }

    /// Whether the wait for other links is over.
    func isReady(at now: Int) -> Bool { waitWhile.map { now >= $0 } ?? false }

    /// Goes as far as selection and partner allow.
    mutating func settle(at now: Int) {
        while let next = step(at: now) { enter(next, at: now) }
    }

    private func step(at now: Int) -> Mux? {
        let isSelected = selected == .selected
        let isSynchronized = isSelected && partner.state.contains(.synchronized)
        return switch mux {
        case .detached: selected != .unselected ? .waiting : nil
        case .waiting: selected == .unselected ? .detached : isSelected && isReady(at: now) ? .attached : nil
        case .attached: !isSelected ? .detached : isSynchronized ? .collecting : nil
        case .collecting:
            !isSynchronized ? .attached : partner.state.contains(.collecting) ? .distributing : nil
        case .distributing: isSynchronized && partner.state.contains(.collecting) ? nil : .collecting
        }
    }

    private mutating func enter(_ next: Mux, at now: Int) {
        mux = next
        waitWhile = next == .waiting ? now + Interval.aggregateWait : nil
        actor.state.subtract([.synchronized, .collecting, .distributing])
        switch next {
        case .detached, .waiting: break
        case .attached: actor.state.insert(.synchronized)
        case .collecting: actor.state.formUnion([.synchronized, .collecting])
        case .distributing: actor.state.formUnion([.synchronized, .collecting, .distributing])
        }
        if next != .waiting { say() }
    }

    // MARK: - Sending

    /// The LACPDU that is to be sent now, if there is one: no more than three a second.
    mutating func takePacket(at now: Int) -> LACPPacket? {
        latest.removeAll { $0 <= now - Interval.fast }
        guard needsToSend, latest.count < LACPPort.burst, speaks else { return nil }
        needsToSend = false
        latest.append(now)
        counters.sent += 1
        return LACPPacket(actor: actor, partner: partner)
    }

    /// A passive port says nothing to one that is passive too, or silent.
    private var speaks: Bool {
        receive != .disabled && !actor.state.union(partner.state).isDisjoint(with: .active)
    }

    /// The LACPDU that ends it all: the link is to be used no longer.
    func farewell() -> LACPPacket? {
        guard receive != .disabled, speaks else { return nil }
        var actor = actor
        actor.state.subtract([.synchronized, .collecting, .distributing])
        return LACPPacket(actor: actor, partner: partner)
    }

    /// When something is due; nil when nothing happens by itself.
    func deadline(at now: Int) -> Int? {
        var due = [currentWhile, loopedUntil, nextPeriodic, waitWhile.flatMap { $0 > now ? $0 : nil }].compactMap(
            \.self)
        if needsToSend, speaks, latest.count >= LACPPort.burst { due.append(latest[0] + Interval.fast) }
        return due.min()
    }

    mutating func clearCounters() { counters = Counters() }
}

extension LACPInformation {
    /// Who it is, and whether it aggregates: what the two sides of a link compare (clause 6.4.9).
    struct Identity: Hashable {
        let system: LACPSystem
        let key: UInt16
        let port: LACPPortIdentifier
        let isAggregatable: Bool

        var exceptAggregation: Identity {
            Identity(system: system, key: key, port: port, isAggregatable: true)
        }
    }

    var identity: Identity {
        Identity(system: system, key: key, port: port, isAggregatable: state.contains(.aggregatable))
    }
}
