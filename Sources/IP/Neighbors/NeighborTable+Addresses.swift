// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// The router's own addresses and interfaces: asked for before they are used, announced, defended.
extension NeighborTable {
    /// What of an interface makes a difference here.
    struct Seen: Equatable {
        var mac: UInt64
        var isUp: Bool

        @ControlPlane
        init(_ interface: Interface) {
            mac = interface.mac
            isUp = interface.flags.isSuperset(of: .usable)
        }
    }

    /// Announces the addresses of interfaces that are up, after asking whether they are free; from here on of those that
    /// come up and of new ones.
    func start() {
        isStarted = true
        for index in seen.keys.sorted() {
            guard let interface = interfaces.interface(index) else { continue }
            for own in interfaces.all(of: index) where own.state == .usable && needsProbe(own.address, on: interface) {
                interfaces.decide(own.address, on: interface, .tentative)
            }
            if seen[index]?.isUp == true { cameUp(interface) }
        }
        advertiser.start()
    }

    /// Says good-bye as a router, as long as workers run.
    func willStop() { advertiser.stop() }

    /// Nothing is asked before the router runs, and nothing of the other end of a tunnel.
    func needsProbe(_ address: IPAddress, on interface: Interface) -> Bool {
        isStarted && !interface.flags.contains(.pointToPoint)
            && (address.v4 == nil ? policy.ip6Probes : policy.ip4Probes) > 0
    }

    // MARK: - Interfaces

    private func watch(_ interface: Interface) {
        guard seen[interface.index] == nil else { return }
        seen[interface.index] = Seen(interface)
        interface.onChange { [weak self] in self?.interfaceChanged($0) }
    }

    private func interfaceChanged(_ interface: Interface) {
        let now = Seen(interface)
        guard let before = seen.updateValue(now, forKey: interface.index), now != before else { return }
        if before.isUp, !now.isUp {
            flush(interface)
            for key in probes.keys where key.interface == interface.index { cancelProbe(key) }
            advertiser.changed(interface)
        }
        guard isStarted, now.isUp else { return }
        if !before.isUp {
            cameUp(interface)
        } else if now.mac != before.mac {
            for own in interfaces.addresses(of: interface.index) { announce(own.address, on: interface) }
        }
    }

    private func cameUp(_ interface: Interface) {
        for own in interfaces.all(of: interface.index) {
            switch own.state {
            case .usable: announce(own.address, on: interface)
            // Who had it may be gone.
            case .duplicate: interfaces.decide(own.address, on: interface, .tentative)
            case .tentative: beginProbe(own.address, on: interface)
            // Follows the link-local address.
            case .stopped: break
            }
        }
        advertiser.changed(interface)
        keepAll(on: interface)
    }

    func addressChanged(_ interface: Interface, _ own: OwnAddress, _ change: IPInterfaces.Change) {
        watch(interface)
        let isUp = isStarted && interface.flags.isSuperset(of: .usable)
        switch (change, own.state) {
        case (.removed, _):
            cancelProbe(NeighborKey(interface: interface.index, address: own.address))
            forgetStrangers(on: interface)
        case (_, .usable):
            if isUp { announce(own.address, on: interface) }
            if isStarted { keepAll(on: interface) }
            if own.value.isLinkLocal { advertiser.changed(interface) }
        case (_, .tentative):
            if isUp { beginProbe(own.address, on: interface) }
        case (_, .duplicate), (_, .stopped):
            cancelProbe(NeighborKey(interface: interface.index, address: own.address))
            forgetStrangers(on: interface)
            if own.value.isLinkLocal { advertiser.changed(interface) }
        }
        settleHostRoutes(in: own.value.network)
    }

    /// Removes neighbours with which no network is shared any more; static ones wait for another.
    private func forgetStrangers(on interface: Interface) {
        for neighbor in entries.values where neighbor.key.interface == interface.index {
            guard !interfaces.hasNetwork(of: neighbor.key.address, on: interface.index) else { continue }
            if neighbor.state == .static { removeHostRoute(neighbor) } else { forget(neighbor) }
        }
    }

    // MARK: - Announcing and defending

    /// Milliseconds between announcements (RFC 5227 section 1.1).
    private static var announceInterval: Int { 2000 }

    /// Tells all stations on the link where an own address is, as often as the policy says.
    private func announce(_ address: IPAddress, on interface: Interface) {
        announceOnce(address, on: interface)
        announceAgain(address, on: interface.index, times: policy.announcements - 1)
    }

    private func announceAgain(_ address: IPAddress, on index: InterfaceIndex, times: Int) {
        guard times > 0 else { return }
        engine.timers.after(milliseconds: NeighborTable.announceInterval) { [weak self] in
            guard let self, let interface = interfaces.interface(index), interface.flags.isSuperset(of: .usable),
                interfaces.isUsable(address, on: index)
            else { return }
            announceOnce(address, on: interface)
            announceAgain(address, on: index, times: times - 1)
        }
    }

    private func announceOnce(_ address: IPAddress, on interface: Interface) {
        // The other end of a tunnel has nobody to ask for.
        guard !interface.flags.contains(.pointToPoint) else { return }
        counters.announcementsSent += 1
        switch address {
        case .v4(let address): announce(address, on: interface)
        case .v6(let address): announce(address, on: interface)
        }
    }

    /// Somebody else speaks as one of the router's addresses: it is said, and defended, at most every ten seconds (RFC 5227
    /// section 2.4 (c)).
    func conflict(over address: IPAddress, with station: MACAddress, on interface: Interface) {
        counters.conflicts += 1
        guard isTime(for: address, every: 10) else { return }
        engine.log.warning("\(station) on \(interface.name) claims this router's address \(address)")
        if interfaces.isUsable(address, on: interface.index) { announceOnce(address, on: interface) }
    }

    // MARK: - Asking before use

    /// An own address that is asked for on the link (RFC 4862 section 5.4, RFC 5227 section 2.1).
    struct AddressProbe {
        var sent = 0
        var timer: ControlTimers.Handle
    }

    private func beginProbe(_ address: IPAddress, on interface: Interface) {
        let key = NeighborKey(interface: interface.index, address: address)
        guard probes[key] == nil else { return }
        // Routers that come up together do not all ask at once.
        let delay = Int.random(in: 0...min(1000, policy.retransmitInterval))
        probes[key] = AddressProbe(timer: probeTimer(key, after: delay))
    }

    private func probeTimer(_ key: NeighborKey, after milliseconds: Int) -> ControlTimers.Handle {
        engine.timers.after(milliseconds: milliseconds) { [weak self] in self?.probeFired(key) }
    }

    private func probeFired(_ key: NeighborKey) {
        guard var probe = probes[key], let interface = interfaces.interface(key.interface) else { return }
        let wanted = key.address.v4 == nil ? policy.ip6Probes : policy.ip4Probes
        guard probe.sent < wanted else {
            probes[key] = nil
            return interfaces.decide(key.address, on: interface, .usable)
        }
        probe.sent += 1
        counters.probesSent += 1
        switch key.address {
        case .v4(let address): sendARPProbe(for: address, on: interface)
        case .v6(let address): sendDuplicateProbe(for: address, on: interface)
        }
        // RFC 5227 section 1.1: one to two seconds between probes, two after the last.
        let interval = policy.retransmitInterval
        let pause = probe.sent < wanted ? Int.random(in: interval...2 * interval) : 2 * interval
        probe.timer = probeTimer(key, after: key.address.v4 == nil ? interval : pause)
        probes[key] = probe
    }

    private func cancelProbe(_ key: NeighborKey) {
        guard let probe = probes.removeValue(forKey: key) else { return }
        engine.timers.cancel(probe.timer)
    }

    /// An address that was asked for is another station's.
    func lose(_ address: IPAddress, to station: MACAddress, on interface: Interface) {
        cancelProbe(NeighborKey(interface: interface.index, address: address))
        counters.conflicts += 1
        engine.log.error(
            "\(address) cannot be used on \(interface.name): \(station) has it already; give another, or take it from there"
        )
        interfaces.decide(address, on: interface, .duplicate)
    }
}
