// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// Another station with the same hardware address: IPv6 stops on the interface (RFC 4862 section 5.4.5), until the link comes up
// anew, the operator gives a link-local address, or the duplicate is gone.
extension IPInterfaces {
    /// Whether IPv6 has stopped on the interface.
    public func isStopped(_ interface: InterfaceIndex) -> Bool { states[interface]?.isStopped ?? false }

    /// What a new address is at first.
    func firstState(of address: IPAddress, on interface: Interface) -> OwnAddress.State {
        if address.family == .ipv6, isStopped(interface.index) { return .stopped }
        return needsProbe(address, interface) ? .tentative : .usable
    }

    /// An address has changed: stops IPv6 or begins it anew, as the link-local address wants it.
    ///
    /// An address that was given does not say that two stations have the same hardware address, nor does one that is made
    /// of the interface's number for want of one.
    func followDuplicates(on interface: Interface) {
        let isMACTaken = all(of: interface.index).contains { $0.isAutomatic && $0.state == .duplicate }
        let isStopped = isMACTaken && MACAddress(littleEndian: interface.mac).isStation
        guard isStopped != self.isStopped(interface.index) else { return }
        states[interface.index]?.isStopped = isStopped
        fib.adjacencies.setStopped(isStopped, on: interface.index)
        interface.details.removeAll { $0.name == IPInterfaces.detailName }
        if isStopped {
            interface.details.append((IPInterfaces.detailName, "stopped: another station has the link-local address"))
            engine.log.error(
                "IPv6 has stopped on \(interface.name): another station has its MAC; change that, or give a link-local address"
            )
        } else {
            engine.log.notice("IPv6 begins anew on \(interface.name)")
        }
        publish(interface)
        for own in all(of: interface.index) where own.value.family == .ipv6 {
            let isConcerned = isStopped ? own.state.isHeld : own.state == .stopped
            guard isConcerned else { continue }
            decide(own.address, on: interface, firstState(of: own.address, on: interface))
        }
    }

    private static var detailName: String { "ipv6" }
}
