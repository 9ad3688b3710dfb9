// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging

/// The interface kind `af-xdp`: a kernel device whose packets come and go through AF_XDP sockets.
@ControlPlane
final class AFXDPDriver {
    private let engine: Engine
    private var devices: [AFXDPDevice] = []
    private var watcher: LinkWatcher?

    init(_ engine: Engine) {
        self.engine = engine
        let log = engine.log
        LibraryMessages.route { level, text in
            // Their warnings are about ways that they try before one succeeds; errors come back as error numbers.
            log.debug("\(text)", metadata: ["library": "\(level)"])
        }
    }

    private nonisolated static let keys: [Schema.Key] = [
        .key("device", .text(.name), "The kernel's device; the interface's name if absent"),
        .key("queues", .integer(1...256), "Queues to drive, one socket each; as many as there are workers if absent"),
        .key("xdp-mode", .choice(["auto", "driver", "generic"]), "Where the XDP program runs; auto if absent"),
        .key("copy-mode", .choice(["auto", "copy", "zero-copy"]), "Whether packets are copied; auto if absent"),
        .key("receive-ring", .choice(["512", "1024", "2048", "4096"]), "Descriptors to receive with; 4096 if absent"),
        .key("transmit-ring", .choice(["512", "1024", "2048", "4096"]), "Descriptors to send with; 2048 if absent"),
        .key("busy-poll", .duration, "How long a system call may poll the driver; off if absent"),
        .key(
            "promiscuous", .boolean,
            "Receive frames for any station, not only for this one and for groups; true if absent"),
        CommonInterfaceKeys.mac,
        .key("mtu", .integer(68...16_000), "Longest network-layer packet, bytes; the device's if absent"),
    ]

    func driver() -> InterfaceDriver {
        InterfaceDriver("af-xdp", "A network device of this machine", keys: AFXDPDriver.keys) {
            [self] name, setting throws(ConfigurationErrors) in
            let settings: AFXDPDevice.Settings
            do throws(ConfigurationError) {
                settings = try AFXDPDriver.read(name, setting, chunkSize: engine.pool.chunkSize)
            } catch {
                throw ConfigurationErrors([error])
            }
            return { [self] in try create(settings) }
        }
    }

    private static func read(
        _ name: String, _ setting: Setting, chunkSize: Int
    ) throws(ConfigurationError) -> AFXDPDevice.Settings {
        var settings = AFXDPDevice.Settings(name: name, device: try setting["device"]?.string ?? name)
        settings.queues = try setting["queues"]?.integer(in: 1...256)
        if let mode = try setting["xdp-mode"]?.string { settings.mode = XDPProgram.Mode(rawValue: mode) }
        if let copying = try setting["copy-mode"]?.string {
            settings.socket.copying = XSKSocket.Copying(rawValue: copying) ?? .automatic
        }
        settings.socket.receiveRing = try setting["receive-ring"]?.integer(in: 512...4096) ?? 4096
        settings.socket.transmitRing = try setting["transmit-ring"]?.integer(in: 512...4096) ?? 2048
        settings.socket.multiBuffer = chunkSize > UMEM.maxChunkSize
        if let poll = try setting["busy-poll"]?.duration(in: .zero ... .seconds(1)) {
            settings.socket.busyPoll = Int32(poll / .microseconds(1))
        }
        if let promiscuous = try setting["promiscuous"]?.boolean { settings.promiscuous = promiscuous }
        settings.mac = try CommonInterfaceKeys.station(setting["mac"])
        settings.mtu = try setting["mtu"]?.integer(in: 68...16_000)
        return settings
    }

    private func create(_ settings: AFXDPDevice.Settings) throws -> Interface {
        let device = try AFXDPDevice(settings, engine)
        devices.append(device)
        try followDevices().follow(settings.device, for: device.interface.index)
        return device.interface
    }

    /// Begins to listen for changes of devices, with the first one that is ours.
    private func followDevices() throws -> LinkWatcher {
        if let watcher { return watcher }
        let watcher = try LinkWatcher(engine.linkAlarm)
        self.watcher = watcher
        engine.watch(watcher.descriptor) { [self] in
            do {
                for event in try watcher.take() { engine.during(event.clock) { report(event.change) } }
            } catch {
                engine.log.error("\(error)")
            }
        }
        return watcher
    }

    private func report(_ change: LinkMonitor.Change) {
        switch change {
        case .present(let link):
            for device in devices where device.settings.device == link.name { device.present(link) }
        case .gone(let link): for device in devices where device.settings.device == link.name { device.gone(link) }
        }
    }

    /// Gives the devices back to the kernel as they were.
    func stop() {
        if let watcher {
            engine.unwatch(watcher.descriptor)
            watcher.stop()
        }
        watcher = nil
        for device in devices { device.close() }
        devices = []
    }
}
