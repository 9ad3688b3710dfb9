// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// One bundle on the control side: which of its members are used, and why others are not.
@ControlPlane
final class Bundle {
    /// What a member does, and why no more than that.
    enum MemberState: Hashable, Sendable {
        case active
        /// It could be used at once.
        case standby
        case down(Why)

        enum Why: Hashable, Sendable {
            case noDevice, adminDown, noLink
            /// The partner was never heard of, or not any more.
            case silent, expired
            case looped, otherPartner, individual, tooFew
            /// The next step of LACP: other links, the partner's, the partner's again.
            case waiting, notSynchronized, notCollecting
        }
    }

    struct Member {
        let port: Interface
        let priority: UInt16
        var state = MemberState.down(.noLink)
    }

    let settings: BundleSettings
    let number: UInt32
    let interface: Interface
    /// By place.
    private(set) var members: [Member]
    /// nil without LACP.
    private(set) var lacp: LACPAggregator?
    private let mtu: Int?
    private unowned let manager: BundleManager
    private var timer: ControlTimers.Handle?
    private var isStarted = false
    private var engine: Engine { manager.engine }
    private var now: Int { manager.milliseconds(Clock.now) }

    init(
        _ settings: BundleSettings, _ number: UInt32, _ interface: Interface, _ ports: [Interface], mtu: Int?,
        _ manager: BundleManager
    ) {
        self.settings = settings
        self.number = number
        self.interface = interface
        self.mtu = mtu
        self.manager = manager
        members = zip(ports, settings.members).map { Member(port: $0, priority: $1.priority) }
        if settings.lacp != .off {
            lacp = LACPAggregator(
                members.indices.map(actor), minimum: settings.minimum, maximum: settings.maximum)
        }
        for (place, port) in ports.enumerated() {
            port.onChange { [weak self] _ in self?.portChanged(place) }
        }
        follow()
    }

    /// What LACP says of this side's port: the bundle is a system of its own, as its address is.
    private func actor(_ place: Int) -> LACPInformation {
        var state: LACPState = []
        if settings.lacp == .active { state.insert(.active) }
        if settings.rate == .fast { state.insert(.shortTimeout) }
        return LACPInformation(
            system: LACPSystem(priority: settings.systemPriority, address: MACAddress(littleEndian: interface.mac)),
            key: UInt16(number), port: LACPPortIdentifier(priority: members[place].priority, number: UInt16(place + 1)),
            state: state)
    }

    // MARK: - What happens

    /// Packets can be sent from here on.
    func start() {
        isStarted = true
        update()
    }

    private func portChanged(_ place: Int) {
        follow()
        guard isStarted else { return }
        if isUsable(place) { manager.losses.clear(members[place].port.index) }
        update()
    }

    private func isUsable(_ place: Int) -> Bool { members[place].port.flags.isSuperset(of: .usable) }

    /// The MTU is one that all members have.
    private func follow() {
        let most = members.map(\.port.mtu).min() ?? interface.mtu
        let wanted = min(mtu ?? most, most)
        if interface.mtu != wanted { interface.mtu = wanted }
    }

    /// - Parameter arrival: When it came, which may be a while ago.
    func receive(_ packet: LACPPacket, _ place: Int, arrival: Int) {
        lacp?.receive(packet, place, arrival: arrival)
        update()
    }

    func sayFarewell() {
        for (place, port) in (lacp?.ports ?? []).enumerated() {
            if let packet = port.farewell() { send(packet, place) }
        }
    }

    func clearCounters() { lacp?.clearCounters() }

    // MARK: - What follows

    /// Decides anew which members are used, has workers do so, and says what is to be said.
    private func update() {
        let now = now
        let (wish, reasons) = lacp == nil ? chooseByLinks() : chooseByLACP(at: now)
        let (isUp, status) = manager.losses.publish(wish, of: number)
        note(status, reasons)
        if interface.isLinkUp != isUp {
            engine.log.notice("\(interface.name): link \(isUp ? "up" : "down")")
            interface.isLinkUp = isUp
        }
        for (place, packet) in lacp?.takePackets(at: now) ?? [] { send(packet, place) }
        schedule(at: now)
    }

    /// Without LACP: all members with a link, or the best of them; the others may take over at once.
    private func chooseByLinks() -> (BundleLosses.Wish, [LACPSelection.Reason?]) {
        var wish = BundleLosses.Wish()
        // The other side knows nothing of standbys.
        wish.receiving = .max
        let usable = members.indices.filter(isUsable).sorted {
            (members[$0].priority, $0) < (members[$1].priority, $1)
        }
        for place in usable.prefix(settings.maximum) { wish.sending |= 1 << UInt8(place) }
        wish.standbys = usable.dropFirst(settings.maximum).map { UInt8($0) }
        return (wish, members.indices.map { isUsable($0) ? .standby : .linkDown })
    }

    private func chooseByLACP(at now: Int) -> (BundleLosses.Wish, [LACPSelection.Reason?]) {
        var wish = BundleLosses.Wish()
        let reasons = lacp?.settle(isUp: members.indices.map(isUsable), at: now) ?? []
        wish.sending = lacp?.sending ?? 0
        wish.receiving = lacp?.receiving ?? 0
        return (wish, reasons)
    }

    private func send(_ packet: LACPPacket, _ place: Int) {
        let port = members[place].port
        engine.inject(
            packet.frame(from: MACAddress(littleEndian: port.mac)), at: InterfaceOutput.name, txInterface: port.index)
    }

    private func schedule(at now: Int) {
        if let timer { engine.timers.cancel(timer) }
        timer = nil
        guard let due = lacp?.deadline(at: now) else { return }
        timer = engine.timers.after(milliseconds: max(1, due - now)) { [weak self] in self?.update() }
    }

    // MARK: - What people see

    private func note(_ status: BundleStatus, _ reasons: [LACPSelection.Reason?]) {
        for place in members.indices {
            let isSending = status.sending >> UInt8(place) & 1 == 1
            let state = isSending ? MemberState.active : state(place, reasons[place])
            guard members[place].state != state else { continue }
            let change = members[place].state == .active || state == .active
            members[place].state = state
            if change { engine.log.notice("\(interface.name): \(members[place].port.name) is \(text(of: state))") }
        }
        let active = members.filter { $0.state == .active }
        interface.speed = active.reduce(0) { $0 + $1.port.speed }
        interface.details = [
            ("members", members.map { "\($0.port.name) \($0.state.word)" }.joined(separator: " ")),
            ("lacp", settings.lacp.rawValue),
        ]
    }

    private func state(_ place: Int, _ reason: LACPSelection.Reason?) -> MemberState {
        let flags = members[place].port.flags
        switch reason {
        case .linkDown:
            return .down(flags.contains(.absent) ? .noDevice : flags.contains(.adminUp) ? .noLink : .adminDown)
        case .silent: return .down(.silent)
        case .looped: return .down(.looped)
        case .otherPartner: return .down(.otherPartner)
        case .individual: return .down(.individual)
        case .tooFew: return .down(.tooFew)
        case .standby: return .standby
        case nil: break
        }
        guard let port = lacp?.ports[place] else { return .down(.noLink) }
        if port.receive == .expired { return .down(.expired) }
        switch port.mux {
        case .detached, .waiting: return .down(.waiting)
        case .attached: return .down(.notSynchronized)
        case .collecting: return .down(.notCollecting)
        case .distributing: return .down(.noLink)
        }
    }
}
