// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph
import Wire

/// `type: tap`: an interface whose other end is a device of the kernel: for the host's own traffic, for daemons, for tests.
///
/// Each worker has a queue of its own; the kernel spreads flows over them. The kernel's side and ours are two stations
/// with an address each. There is no offload: the kernel hands over complete frames with right checksums.
public enum TapDriver {
    static let keys: [Schema.Key] = [
        .key("device", .text(.deviceName), "The kernel's device; the interface's name if absent"),
        .key("mac", .text(.macAddress), "Our Ethernet address; derived from the name and the machine if absent"),
        .key(
            "host-mac", .text(.macAddress),
            "The kernel's Ethernet address, if the device is made here; derived like 'mac' if absent"),
        .key(
            "mtu", .integer(68...16_000),
            "Longest network-layer packet, bytes, of both sides; 1500, or what a device that exists has, if absent"),
        .key("host-addresses", .list(of: .text(.hostAddress)), "The kernel's addresses, with prefix lengths"),
    ]

    public static func driver(_ engine: Engine) -> InterfaceDriver {
        InterfaceDriver("tap", "A device of the kernel, made for this interface", keys: keys) {
            (name, setting) throws(ConfigurationErrors) in
            let entry = try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
                try TapEntry(name, setting, pool: engine.pool)
            }
            return { try entry.create(engine) }
        }
    }
}

/// One `tap` interface as it stands in the file, checked.
struct TapEntry {
    let common: CommonInterfaceKeys
    let settings: TapDevice.Settings

    init(_ name: String, _ setting: Setting, pool: BufferPool) throws(ConfigurationError) {
        let machine = TapEntry.machineIdentity
        common = try CommonInterfaceKeys(name, setting, pool: pool, salt: machine)
        guard setting["device"] != nil || Schema.Format.deviceName.accepts(name) else {
            throw setting.error(
                "'\(name)' cannot be the name of a kernel device", "name one with 'device:', of at most 15 characters")
        }
        let hostMAC =
            try CommonInterfaceKeys.station(setting["host-mac"]) ?? MACAddress(derivedFrom: "\(name) host\(machine)")
        if let place = setting["host-mac"], hostMAC == common.mac {
            throw place.error("both sides of the device would have the address \(hostMAC)", "give them different ones")
        }
        var addresses: [HostSide.Address] = []
        for element in try setting["host-addresses"]?.list ?? [] {
            let format = Schema.Format.hostAddress
            addresses.append(try element.value(format.name, example: format.example) { HostSide.Address($0) })
        }
        settings = TapDevice.Settings(
            device: try setting["device"]?.value("a device name", example: "tap0") {
                Schema.Format.deviceName.accepts($0) ? $0 : nil
            } ?? name,
            mac: hostMAC, mtu: common.mtu, addresses: addresses, largestMTU: CommonInterfaceKeys.largestMTU(pool))
    }

    /// Two machines on one wire may have interfaces of the same name, so names alone don't make different addresses.
    private static var machineIdentity: String {
        guard let file = fopen("/etc/machine-id", "re") else { return "" }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 64)
        guard fgets(&line, Int32(line.count), file) != nil else { return "" }
        return " " + String(decoding: line.prefix { $0 > 32 }.map { UInt8($0) }, as: UTF8.self)
    }

    @ControlPlane
    func create(_ engine: Engine) throws -> Interface {
        let isNew = if_nametoindex(settings.device) == 0
        let queues = try TapQueues(device: settings.device, count: engine.workers.count)
        try TapDevice.configure(settings, isNew: isNew)
        let interface = try common.createInterface(engine, kind: "tap")
        let (index, capacity) = (interface.index, engine.pool.capacity)
        engine.add(
            NodeDescriptor(input: TapInput.self, name: "\(common.name)-rx") { seat in
                TapInput(queues, queue: seat.worker, interface: index, capacity: capacity)
            })
        engine.attach(
            interface,
            output: NodeDescriptor(output: TapOutput.self, name: "\(common.name)-tx") { seat in
                TapOutput(queues, queue: seat.worker, interface: index)
            })
        interface.details = [("device", settings.device), ("queues", "\(queues.descriptors.count)")]
        _ = try TapDevice(settings, queues, interface, engine)
        return interface
    }
}

extension Schema.Format {
    /// What the kernel takes (dev_valid_name), without what `ip` would stumble over.
    static let deviceName = Schema.Format("a device name of at most 15 characters", example: "tap0") { name in
        let allowed = name.utf8.allSatisfy { (33...126).contains($0) } && !name.contains { "/:%".contains($0) }
        return allowed && (1..<Int(IFNAMSIZ)).contains(name.utf8.count) && name != "." && name != ".."
    }

    static let hostAddress = Schema.Format(
        "an address with its prefix length", example: "192.0.2.1/24 or 2001:db8::1/64"
    ) {
        HostSide.Address($0) != nil
    }
}
