// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// One kernel device that Martlet drives: its program, its sockets, and the interface that they make.
///
/// Follows the device through changes of carrier, MTU and address, and through its removal and return.
@ControlPlane
final class AFXDPDevice {
    /// What the file says.
    struct Settings: Sendable {
        var name: String
        var device: String
        var queues: Int?
        var mode: XDPProgram.Mode?
        var socket = XSKSocket.Options()
        var mac: MACAddress?
        var mtu: Int?
        var promiscuous = true
    }

    private final class OpenSocket {
        let socket: XSKSocket
        init(_ socket: consuming XSKSocket) { self.socket = socket }
    }

    /// What is held while the device is there.
    private final class Attachment {
        let program: XDPProgram
        let deviceSettings: DeviceSettings
        let sockets: [OpenSocket]

        init(_ program: consuming XDPProgram, _ settings: consuming DeviceSettings, _ sockets: [OpenSocket]) {
            self.program = program
            self.deviceSettings = settings
            self.sockets = sockets
        }
    }

    let settings: Settings
    let interface: Interface
    private let engine: Engine
    private let queues: [AFXDPQueue]
    private var attachment: Attachment?
    private var kernelIndex: Int32 = 0
    /// Between `close` and the moment at which all buffers are back.
    private var isClosing = false
    /// The device came back meanwhile.
    private var returned: Link?

    /// Opens the device and adds the interface and its nodes.
    init(_ settings: Settings, _ engine: Engine) throws {
        let link = try Link(named: settings.device)
        let pool = engine.pool
        let interface = engine.createInterface(settings.name, kind: "af-xdp")
        let count = settings.queues ?? min(link.receiveQueues, max(engine.workers.count, 1))
        // Half of the buffers, at most, wait for packets: the rest are under way.
        let fillTarget = min(Int(settings.socket.receiveRing), max(64, pool.count / 4 / max(1, count)))
        let isMultiBuffer = settings.socket.multiBuffer
        self.settings = settings
        self.interface = interface
        self.engine = engine
        queues = (0..<count).map {
            AFXDPQueue(
                number: $0, interface: interface.index, pool: pool, fillTarget: fillTarget, isMultiBuffer: isMultiBuffer
            )
        }
        try open(link)
        addNodes()
    }

    /// The queues that a worker drives, the first of which it sends through.
    private nonisolated static func own(_ queues: [AFXDPQueue], _ seat: Seat) -> [AFXDPQueue] {
        queues.filter { $0.number % seat.workerCount == seat.worker }
    }

    private func addNodes() {
        let queues = queues
        engine.add(
            NodeDescriptor(input: AFXDPInput.self, name: "\(settings.name)-rx") {
                AFXDPInput(queues: AFXDPDevice.own(queues, $0))
            })
        engine.attach(
            interface,
            output: NodeDescriptor(output: AFXDPOutput.self, name: "\(settings.name)-tx") { seat in
                let own = AFXDPDevice.own(queues, seat).first
                return AFXDPOutput(way: own.map { .queue($0) } ?? .worker(seat.worker % queues.count))
            })
    }

    // MARK: - Opening and closing

    private func open(_ link: Link) throws(XDPError) {
        let log = engine.log
        let name = settings.name
        let warn: (String) -> Void = { line in log.warning("\(name): \(line)") }
        let umem = try UMEM(
            base: engine.pool.memory, byteCount: engine.pool.byteCount, bufferSize: engine.pool.chunkSize)
        let program = try XDPProgram(device: settings.device, mode: settings.mode, warn: warn)
        let deviceSettings = try DeviceSettings(
            device: settings.device, mode: program.mode, promiscuous: settings.promiscuous,
            station: settings.mac, warn: warn)
        var sockets: [OpenSocket] = []
        for queue in queues {
            let socket = try XSKSocket(
                device: settings.device, queue: queue.number, umem: umem, options: settings.socket)
            try program.insert(socket)
            sockets.append(OpenSocket(socket))
        }
        let mode = program.mode
        attachment = Attachment(program, deviceSettings, sockets)
        kernelIndex = link.index
        interface.setFlag(.absent, false)
        for (queue, open) in zip(queues, sockets) {
            let rings = open.socket.rings
            let descriptor = open.socket.fileDescriptor
            onWorker(of: queue) { _ in queue.open(rings, fileDescriptor: descriptor) }
        }
        describe(link, mode)
        follow(link)
    }

    /// Closes the sockets, once no worker uses them, and takes back the buffers that they held.
    func close() {
        guard let closing = attachment else { return }
        attachment = nil
        isClosing = true
        interface.isLinkUp = false
        for queue in queues { onWorker(of: queue) { _ in queue.close() } }
        // The tasks run before the next dispatch, so the quiescent point after it comes later than the last use.
        guard engine.isRunning else {
            recover(closing)
            return
        }
        Task { @ControlPlane [self] in
            await engine.performed()
            recover(closing)
        }
    }

    private func recover(_ closing: consuming Attachment) {
        _ = consume closing
        for queue in queues { onWorker(of: queue) { worker in worker.withContext { queue.recover($0) } } }
        isClosing = false
        guard let link = returned else { return }
        returned = nil
        present(link)
    }

    private func onWorker(of queue: AFXDPQueue, _ body: @escaping @Sendable (Worker) -> Void) {
        let worker = engine.workers[queue.number % engine.workers.count]
        if engine.isRunning { worker.perform(body) } else { body(worker) }
    }

    // MARK: - Following the device

    /// The device is there: take over what changed, or open it again.
    func present(_ link: Link) {
        if attachment != nil, link.index != kernelIndex { lose() }
        guard !isClosing else {
            returned = link
            return
        }
        guard attachment == nil else {
            follow(link)
            return
        }
        do {
            try open(link)
            engine.log.notice("\(settings.name): the device \(settings.device) is back")
        } catch {
            engine.log.error("\(settings.name): \(error)")
        }
    }

    func gone(_ link: Link) {
        returned = nil
        guard attachment != nil, link.index == kernelIndex else { return }
        engine.log.warning("\(settings.name): the device \(settings.device) is gone; waiting for it to come back")
        lose()
    }

    private func lose() {
        interface.setFlag(.absent, true)
        close()
    }

    private func follow(_ link: Link) {
        let mac = settings.mac ?? link.mac
        if interface.mac != mac.littleEndianValue { interface.mac = mac.littleEndianValue }
        let mtu = min(settings.mtu ?? link.mtu, link.mtu, CommonInterfaceKeys.largestMTU(engine.pool))
        if interface.mtu != mtu { interface.mtu = mtu }
        interface.speed = UInt64(link.speed ?? 0) * 1_000_000
        if interface.isLinkUp != link.isRunning {
            engine.log.notice("\(settings.name): link \(link.isRunning ? "up" : "down")")
            interface.isLinkUp = link.isRunning
        }
    }

    private func describe(_ link: Link, _ mode: XDPProgram.Mode) {
        let isZeroCopy = attachment?.sockets.allSatisfy { $0.socket.isZeroCopy } ?? false
        interface.details = [
            ("device", settings.device), ("driver", link.driver), ("xdp mode", mode.rawValue),
            ("copy mode", isZeroCopy ? "zero-copy" : "copy"), ("queues", "\(queues.count) of \(link.receiveQueues)"),
            ("rings", "\(settings.socket.receiveRing) receive, \(settings.socket.transmitRing) transmit"),
        ]
        if mode == .generic { interface.details.append(("note", "the driver has no XDP: slow")) }
        if let warning = mtuWarning(link) { engine.log.warning("\(settings.name): \(warning)") }
    }

    private func mtuWarning(_ link: Link) -> String? {
        let wanted = settings.mtu ?? link.mtu
        let largest = CommonInterfaceKeys.largestMTU(engine.pool)
        if wanted > largest {
            return "an MTU of \(wanted) does not fit in buffers of \(engine.pool.chunkSize) bytes; using \(largest); "
                + "`mtu: \(wanted)` in the file or a larger `buffers.size` changes that"
        }
        guard wanted > link.mtu else { return nil }
        return "the device's MTU is \(link.mtu); `ip link set \(settings.device) mtu \(wanted)` raises it"
    }

    /// What the kernel dropped before it reached us, summed over the queues.
    var statistics: XSKStatistics {
        (attachment?.sockets ?? []).reduce(into: XSKStatistics()) { sum, open in
            let one = open.socket.statistics
            sum.receiveDropped += one.receiveDropped
            sum.receiveInvalid += one.receiveInvalid
            sum.transmitInvalid += one.transmitInvalid
            sum.receiveRingFull += one.receiveRingFull
            sum.fillRingEmpty += one.fillRingEmpty
            sum.transmitRingEmpty += one.transmitRingEmpty
        }
    }
}

extension Link {
    /// The hardware address; zero when the device has none.
    fileprivate var mac: MACAddress {
        guard address.count == 6 else { return .zero }
        return MACAddress(address[0], address[1], address[2], address[3], address[4], address[5])
    }
}
