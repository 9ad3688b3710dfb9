// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// Where IPv6 stops: another station has the same hardware address (RFC 4862 section 5.4.5), until the link comes up anew, the
// operator gives a link-local address, or the duplicate is gone; or the link is too short for IPv6 (RFC 8200 section 5), until it
// is long enough.
extension IPInterfaces {
    /// The MTU that every link with IPv6 has, bytes (RFC 8200 section 5).
    nonisolated static let leastIPv6MTU = 1280

    /// Why IPv6 does not run on an interface that has addresses of it.
    enum Stop {
        case duplicate, shortLink
    }

    /// Whether IPv6 has stopped on the interface.
    public func isStopped(_ interface: InterfaceIndex) -> Bool { states[interface]?.stop != nil }

    /// What a new address is at first.
    func firstState(of address: IPAddress, on interface: Interface) -> OwnAddress.State {
        let isTooShort = interface.mtu < IPInterfaces.leastIPv6MTU
        if address.family == .ipv6, isTooShort || isStopped(interface.index) { return .stopped }
        return needsProbe(address, interface) ? .tentative : .usable
    }

    /// An address or the MTU has changed: stops IPv6 or begins it anew, as the link-local address and the MTU want it.
    ///
    /// An address that was given does not say that two stations have the same hardware address, nor does one that is made
    /// of the interface's number for want of one.
    func followStop(on interface: Interface) {
        let stop = stop(on: interface)
        let before = states[interface.index]?.stop
        guard stop != before else { return }
        states[interface.index]?.stop = stop
        say(stop, on: interface)
        guard (stop == nil) != (before == nil) else { return }
        let isStopped = stop != nil
        fib.adjacencies.setStopped(isStopped, on: interface.index)
        publish(interface)
        for own in all(of: interface.index) where own.value.family == .ipv6 {
            let isConcerned = isStopped ? own.state.isHeld : own.state == .stopped
            guard isConcerned else { continue }
            decide(own.address, on: interface, firstState(of: own.address, on: interface))
        }
    }

    /// Has `followStop` hear of changes of the interface's MTU, once.
    func watchMTU(of interface: Interface) {
        guard states[interface.index]?.isWatched == false else { return }
        states[interface.index]?.isWatched = true
        interface.onChange { [weak self] interface in
            guard let self, isShort(interface) != (states[interface.index]?.stop == .shortLink) else { return }
            followStop(on: interface)
        }
    }

    /// Where the address would be a neighbour's if IPv6 had not stopped there.
    func stoppedInterface(for address: IPAddress, in table: TableIndex) -> InterfaceIndex? {
        indices.first { index in
            states[index]?.table == table
                && all(of: index).contains { $0.state == .stopped && $0.value.network.contains(address) }
        }
    }

    private func isShort(_ interface: Interface) -> Bool {
        interface.mtu < IPInterfaces.leastIPv6MTU
            && all(of: interface.index).contains { $0.value.family == .ipv6 }
    }

    private func stop(on interface: Interface) -> Stop? {
        if isShort(interface) { return .shortLink }
        let isMACTaken = all(of: interface.index).contains { $0.isAutomatic && $0.state == .duplicate }
        return isMACTaken && MACAddress(littleEndian: interface.mac).isStation ? .duplicate : nil
    }

    private func say(_ stop: Stop?, on interface: Interface) {
        interface.details.removeAll { $0.name == IPInterfaces.detailName }
        switch stop {
        case .duplicate:
            interface.details.append((IPInterfaces.detailName, "stopped: another station has the link-local address"))
            engine.log.error(
                "IPv6 has stopped on \(interface.name): another station has its MAC; change that, or give a link-local address"
            )
        case .shortLink:
            let least = IPInterfaces.leastIPv6MTU
            interface.details.append((IPInterfaces.detailName, "stopped: the MTU is below \(least)"))
            engine.log.error(
                "IPv6 has stopped on \(interface.name): its MTU is \(interface.mtu), and IPv6 wants \(least); raise it, or take the IPv6 addresses off"
            )
        case nil: engine.log.notice("IPv6 begins anew on \(interface.name)")
        }
    }

    private static var detailName: String { "ipv6" }
}
