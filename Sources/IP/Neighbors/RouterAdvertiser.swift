// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What the router tells the hosts of a link of itself (RFC 4861 section 6.2.1); durations in seconds.
public struct RouterAdvertisementPolicy: Sendable, Hashable {
    /// The longest time between advertisements, 4 to 1800 (MaxRtrAdvInterval).
    public var interval = 600
    /// For how long the router is a default router without being heard, 0 (it is none) or `interval` to 9000.
    public var lifetime = 1800
    public var isManaged = false
    public var hasOtherConfiguration = false
    /// Bytes; nil says nothing of it.
    public var mtu: Int?
    public var hopLimit: UInt8 = 64
    /// Milliseconds; 0 leaves them open.
    public var reachableTime: UInt32 = 0
    public var retransmitTime: UInt32 = 0
    public var preference = NDPreference.medium
    /// Nil: the networks of the interface's addresses, as hosts may make addresses of them.
    public var prefixes: [NDPrefix]?
    public var dnsServers: [IPv6Address] = []
    public var dnsLifetime = 1800

    public init() {}

    /// The shortest time between advertisements that nobody asked for, milliseconds (MinRtrAdvInterval).
    var minimumInterval: Int { interval >= 9 ? interval * 330 : interval * 1000 }
}

/// Sends router advertisements: unasked at random times, and when a host asks (RFC 4861 section 6.2).
@ControlPlane
public final class RouterAdvertiser {
    /// The constants of RFC 4861 section 10, milliseconds.
    private static let maximumInitialInterval = 16_000
    private static let initialCount = 3
    private static let responseDelay = 500
    private static let minimumDelay = 3000

    private struct State {
        var policy: RouterAdvertisementPolicy
        var timer: ControlTimers.Handle?
        /// `Clock.now` when the next goes out.
        var due: UInt64 = 0
        /// `Clock.now` when the last went out; nil for none since the interface came up.
        var last: UInt64?
        /// How many are still sent soon one after the other.
        var initial = 0
    }

    private let engine: Engine
    private let interfaces: IPInterfaces
    private var states: [InterfaceIndex: State] = [:]
    private var isStarted = false
    public private(set) var sent = 0

    init(engine: Engine, interfaces: IPInterfaces) {
        self.engine = engine
        self.interfaces = interfaces
    }

    // MARK: - What to say

    /// Has the interface advertise from now on, or say that it no longer does.
    public func set(_ policy: RouterAdvertisementPolicy?, on interface: Interface) {
        if policy == nil { sayGoodbye(interface) }
        cancel(interface.index)
        states[interface.index] = policy.map { State(policy: $0) }
        changed(interface)
    }

    public func policy(on interface: InterfaceIndex) -> RouterAdvertisementPolicy? { states[interface]?.policy }

    /// What the next advertisement says; nil when the interface advertises nothing.
    func advertisement(on interface: Interface) -> RouterAdvertisement? {
        guard let policy = states[interface.index]?.policy else { return nil }
        let lifetime = UInt32(clamping: policy.dnsLifetime)
        return RouterAdvertisement(
            hopLimit: policy.hopLimit, isManaged: policy.isManaged,
            hasOtherConfiguration: policy.hasOtherConfiguration, preference: policy.preference,
            routerLifetime: UInt16(clamping: policy.lifetime), reachableTime: policy.reachableTime,
            retransmissionTime: policy.retransmitTime, station: MACAddress(littleEndian: interface.mac),
            mtu: policy.mtu.map { UInt32($0) }, prefixes: policy.prefixes ?? ownPrefixes(interface),
            dnsServers: policy.dnsServers.isEmpty ? nil : .init(policy.dnsServers, lifetime: lifetime))
    }

    private func ownPrefixes(_ interface: Interface) -> [NDPrefix] {
        var prefixes: [NDPrefix] = []
        for own in interfaces.addresses(of: interface.index) where !own.isLinkLocal {
            guard case .v6(let network) = own.network, network.length < 128,
                !prefixes.contains(where: { $0.prefix == network })
            else { continue }
            // Addresses are made of 64 bits of network and 64 of the host's (RFC 4291 section 2.5.1).
            prefixes.append(NDPrefix(network, isAutonomous: network.length == 64))
        }
        return prefixes
    }

    // MARK: - When

    func start() {
        isStarted = true
        for index in states.keys.sorted() { if let interface = interfaces.interface(index) { changed(interface) } }
    }

    /// Tells the hosts of every link that this is no router of theirs any more (section 6.2.5).
    func stop() {
        for index in states.keys.sorted() {
            if let interface = interfaces.interface(index) { sayGoodbye(interface) }
            cancel(index)
        }
        isStarted = false
    }

    /// The interface's state or its link-local address is another: begins, or ceases.
    func changed(_ interface: Interface) {
        guard isStarted, let state = states[interface.index] else { return }
        guard canSend(interface) else { return cancel(interface.index) }
        guard state.timer == nil else { return }
        states[interface.index]?.initial = RouterAdvertiser.initialCount
        schedule(interface.index, after: Int.random(in: 0...RouterAdvertiser.responseDelay))
    }

    private func canSend(_ interface: Interface) -> Bool {
        guard interface.flags.isSuperset(of: .usable), let own = interfaces.linkLocal(of: interface.index) else {
            return false
        }
        return interfaces.isUsable(.v6(own), on: interface.index)
    }

    /// A host asks. The answer goes to all, not before half a second may have passed, and not within three seconds of the last
    /// (section 6.2.6): many hosts that ask cost one answer.
    func solicited(on interface: Interface) {
        guard let state = states[interface.index], state.timer != nil else { return }
        let now = Clock.now
        var wait = Int.random(in: 0...RouterAdvertiser.responseDelay)
        if let last = state.last {
            let passed = Int(Clock.seconds(now &- last) * 1000)
            if passed < RouterAdvertiser.minimumDelay { wait += RouterAdvertiser.minimumDelay - passed }
        }
        guard now &+ Clock.ticks(milliseconds: Double(wait)) < state.due else { return }
        schedule(interface.index, after: wait)
    }

    private func schedule(_ index: InterfaceIndex, after milliseconds: Int) {
        cancel(index)
        states[index]?.due = Clock.now &+ Clock.ticks(milliseconds: Double(milliseconds))
        states[index]?.timer = engine.timers.after(milliseconds: milliseconds) { [weak self] in self?.fire(index) }
    }

    private func cancel(_ index: InterfaceIndex) {
        guard let timer = states[index]?.timer else { return }
        engine.timers.cancel(timer)
        states[index]?.timer = nil
    }

    private func fire(_ index: InterfaceIndex) {
        guard let interface = interfaces.interface(index), let state = states[index] else { return }
        states[index]?.timer = nil
        guard canSend(interface), let advertisement = advertisement(on: interface) else { return }
        send(advertisement, on: interface)
        states[index]?.last = Clock.now
        states[index]?.initial = max(0, state.initial - 1)
        var wait = Int.random(
            in: state.policy.minimumInterval...max(state.policy.minimumInterval, state.policy.interval * 1000))
        if state.initial > 1 { wait = min(wait, RouterAdvertiser.maximumInitialInterval) }
        schedule(index, after: wait)
    }

    private func sayGoodbye(_ interface: Interface) {
        guard states[interface.index]?.last != nil, canSend(interface),
            var advertisement = advertisement(on: interface)
        else { return }
        advertisement.routerLifetime = 0
        send(advertisement, on: interface)
        states[interface.index]?.last = nil
    }

    private func send(_ advertisement: RouterAdvertisement, on interface: Interface) {
        guard let own = interfaces.linkLocal(of: interface.index) else { return }
        let frame = PacketBuilder()
            .ethernet(
                from: MACAddress(littleEndian: interface.mac), to: MACAddress(multicast: IPv6Address.allNodes)
            )
            .ipv6(from: own, to: .allNodes, hopLimit: 255).discovery(advertisement)
        if engine.inject(frame.bytes, at: InterfaceOutput.name, txInterface: interface.index) { sent += 1 }
    }

    // MARK: - Others

    /// In what another router's advertisement contradicts this one's own (section 6.2.7); empty when this one has none.
    func inconsistencies(of other: NDView, on interface: Interface) -> [String] {
        guard let own = advertisement(on: interface) else { return [] }
        var found: [String] = []
        func compare<Value: BinaryInteger>(_ name: String, _ mine: Value, _ theirs: Value) {
            if mine != 0, theirs != 0, mine != theirs { found.append("\(name) \(theirs), not \(mine)") }
        }
        compare("hop limit", own.hopLimit, other.hopLimit)
        compare("reachable time", own.reachableTime, other.reachableTime)
        compare("retransmit time", own.retransmissionTime, other.retransmissionTime)
        if own.isManaged != other.isManaged { found.append("the managed flag") }
        if own.hasOtherConfiguration != other.hasOtherConfiguration { found.append("the other flag") }
        var options = other.options
        while let option = options.next() {
            if let mtu = option.mtu { compare("MTU", own.mtu ?? 0, mtu) }
            guard let prefix = option.prefix, let mine = own.prefixes.first(where: { $0.prefix == prefix.prefix })
            else { continue }
            compare("valid lifetime of \(prefix.prefix)", mine.validLifetime, prefix.validLifetime)
            compare("preferred lifetime of \(prefix.prefix)", mine.preferredLifetime, prefix.preferredLifetime)
        }
        return found
    }
}
