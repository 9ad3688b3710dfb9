// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// A TAP device and the interface that stands on it: keeps the interface's link and MTU as the kernel's side has them.
@ControlPlane
final class TapDevice {
    /// What is to be set on the kernel's side.
    struct Settings: Sendable {
        let device: String
        /// Nil leaves the kernel's choice.
        let mac: MACAddress?
        /// Bytes; nil leaves what the device has.
        let mtu: Int?
        let addresses: [HostSide.Address]
        /// The largest MTU whose frames fit in a buffer.
        let largestMTU: Int
    }

    private let settings: Settings
    private let queues: TapQueues
    private let interface: Interface
    private let monitor: LinkMonitor
    private unowned let engine: Engine
    private var index: Int32

    /// Begins to follow the device, which is there.
    init(_ settings: Settings, _ queues: TapQueues, _ interface: Interface, _ engine: Engine) throws {
        self.settings = settings
        self.queues = queues
        self.interface = interface
        self.engine = engine
        monitor = try LinkMonitor()
        index = try Link(named: settings.device).index
        // The watch keeps this alive, as long as the engine lives.
        engine.watch(monitor.fileDescriptor) { self.follow() }
        follow()
    }

    /// Sets up the kernel's side. A device that somebody made before keeps its address, and its MTU unless the file says.
    static func configure(_ settings: Settings, isNew: Bool) throws {
        let host = HostSide(device: settings.device)
        do throws(XDPError) {
            let before = try Link(named: settings.device)
            try host.configure(mac: isNew ? settings.mac : nil, mtu: settings.mtu == before.mtu ? nil : settings.mtu)
            if !before.isUp { try host.setUp() }
            for address in settings.addresses { try host.add(address) }
        } catch .noPrivilege(let action) {
            throw TapError.mayNotConfigure(action: action)
        }
    }

    /// Takes over what the kernel tells of the device.
    func follow() {
        do throws(XDPError) {
            try monitor.read { change in
                switch change {
                case .present(let link) where link.name == settings.device: present(link)
                case .gone(let link) where link.index == index: gone()
                default: break
                }
            }
        } catch {
            engine.log.error("\(interface.name): \(error)")
        }
    }

    private func present(_ link: Link) {
        if !queues.isAttached {
            guard returned(link) else { return }
        }
        guard link.index == index else { return }
        if link.mtu > settings.largestMTU, interface.mtu != settings.largestMTU {
            let text =
                "\(interface.name): the MTU of \(link.name) is \(link.mtu), but buffers hold frames for "
                + "\(settings.largestMTU) only: longer ones are lost; set a larger `buffers.size`"
            engine.log.warning("\(text)")
        }
        let mtu = min(link.mtu, settings.largestMTU)
        if interface.mtu != mtu { interface.mtu = mtu }
        interface.isLinkUp = link.isUp
    }

    /// The device has left this network namespace.
    private func gone() {
        guard queues.isAttached else { return }
        guard !queues.hasDevice else {
            // Somebody made it the port of a container. Frames go on, only its state is out of sight from here.
            let text =
                "\(interface.name): the TAP device \(settings.device) has moved to another network namespace; "
                + "its link and MTU are not followed there, the link is taken to be up"
            engine.log.notice("\(text)")
            interface.isLinkUp = true
            return
        }
        queues.detach()
        interface.setFlag(.absent, true)
        interface.isLinkUp = false
        let text =
            "\(interface.name): the TAP device \(settings.device) was deleted; the interface is down until the device "
            + "is made again, as with `ip tuntap add dev \(settings.device) mode tap`"
        engine.log.error("\(text)")
    }

    /// Somebody made a device of this name again. False when it is not for us.
    private func returned(_ link: Link) -> Bool {
        do {
            try queues.attach()
            try TapDevice.configure(settings, isNew: false)
        } catch {
            engine.log.error("\(interface.name): a device \(link.name) is there again, but: \(error)")
            return false
        }
        index = link.index
        interface.setFlag(.absent, false)
        engine.log.notice("\(interface.name): the TAP device \(link.name) is there again")
        return true
    }
}
