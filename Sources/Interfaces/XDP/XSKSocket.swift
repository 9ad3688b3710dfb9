// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// An AF_XDP socket on one queue of one device, with its four rings. Closed when the value goes away.
///
/// Created and closed by the control world; `rings` is for the one worker that drives the queue.
public struct XSKSocket: ~Copyable {
    /// Whether packets are copied between the driver's memory and the UMEM.
    public enum Copying: String, Sendable {
        /// Zero-copy if the driver can, copies otherwise.
        case automatic = "auto"
        /// Copies, even if the driver could do without.
        case always = "copy"
        /// Zero-copy, or an error.
        case never = "zero-copy"
    }

    public struct Options: Sendable {
        /// Descriptors per ring: a power of two. The rings of buffers on their way back (fill, completion) are as long.
        public var receiveRing: UInt32 = 4096
        public var transmitRing: UInt32 = 2048
        public var copying = Copying.automatic
        /// Lets a packet span several chunks, in copy mode. Needed for frames above `UMEM.receiveCapacity`; Linux 6.6.
        public var multiBuffer = false
        /// Microseconds for which the kernel may poll the driver inside a wake-up call; 0 for interrupts.
        public var busyPoll: Int32 = 0

        public init() {}
    }

    public let device: String
    public let queue: Int
    public let isZeroCopy: Bool
    /// For poll(2): readable when packets have come.
    public let fileDescriptor: Int32
    public let rings: XSKRings
    private let socket: OpaquePointer
    private let registration: UMEMRegistration

    /// Binds to `queue` of `device` in the calling thread's network namespace. No packets come before
    /// `XDPProgram.insert`; sending needs no program.
    public init(device: String, queue: Int, umem memory: UMEM, options: Options = Options()) throws(XDPError) {
        let bound = try XSKSocket.bindPatiently(device: device, queue: queue, memory, options: options)
        let file = xsk_socket__fd(bound.socket)
        self.device = device
        self.queue = queue
        self.socket = bound.socket
        self.fileDescriptor = file
        self.rings = XSKRings(bound.registration.storage, file: file, umem: memory)
        self.registration = bound.registration
        var flags = xdp_options()
        var size = socklen_t(MemoryLayout<xdp_options>.size)
        getsockopt(file, SOL_XDP, XDP_OPTIONS, &flags, &size)
        self.isZeroCopy = flags.flags & UInt32(XDP_OPTIONS_ZEROCOPY) != 0
        XSKSocket.tune(file, options: options)
    }

    deinit {
        xsk_socket__delete(socket)
    }

    /// Binds, and tries again for half a second while the queue is in use: the kernel lets go of a queue some time
    /// after its socket was closed.
    private static func bindPatiently(
        device: String, queue: Int, _ memory: UMEM, options: Options
    ) throws(XDPError) -> Bound {
        for _ in 0..<50 {
            do throws(XDPError) {
                return try bind(device: device, queue: queue, memory, options: options)
            } catch .queueInUse {
                usleep(10_000)
            }
        }
        return try bind(device: device, queue: queue, memory, options: options)
    }

    private struct Bound: ~Copyable {
        let registration: UMEMRegistration
        let socket: OpaquePointer
    }

    private static func bind(
        device: String, queue: Int, _ memory: UMEM, options: Options
    ) throws(XDPError) -> Bound {
        guard if_nametoindex(device) != 0 else { throw .noDevice(device) }
        let registration = try UMEMRegistration(memory, device: device, options: options)
        var config = xsk_socket_config()
        config.rx_size = options.receiveRing
        config.tx_size = options.transmitRing
        config.libxdp_flags = UInt32(XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD)
        config.bind_flags = UInt16(XDP_USE_NEED_WAKEUP)
        switch options.copying {
        case .automatic:
            // Zero-copy drivers complete the chunks of a packet one by one; the buffer must outlive the last of them.
            if options.multiBuffer { config.bind_flags |= UInt16(XDP_COPY) }
        case .always: config.bind_flags |= UInt16(XDP_COPY)
        case .never: config.bind_flags |= UInt16(XDP_ZEROCOPY)
        }
        if options.multiBuffer { config.bind_flags |= UInt16(CMartletLinux_useMultiBuffer) }
        let storage = registration.storage
        var socket: OpaquePointer?
        let result = xsk_socket__create_shared(
            &socket, device, UInt32(queue), registration.umem, storage.pointer(to: \.receive)!,
            storage.pointer(to: \.transmit)!,
            storage.pointer(to: \.fill)!, storage.pointer(to: \.completion)!, &config)
        switch -result {
        case 0: return Bound(registration: registration, socket: socket!)
        case EBUSY: throw .queueInUse(device: device, queue: queue)
        case EINVAL: throw .noQueue(device: device, queue: queue)
        case EOPNOTSUPP where options.copying == .never: throw .noZeroCopy(device: device)
        default: throw .kernel(-result, "bind an AF_XDP socket to queue \(queue)", device: device)
        }
    }

    /// Settings that make the socket faster and that an older kernel may refuse without harm.
    private static func tune(_ file: Int32, options: Options) {
        func set(_ level: Int32, _ name: Int32, _ value: Int32) {
            var value = value
            setsockopt(file, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
        }
        // In copy mode each packet under way counts as send-buffer memory: room for a full ring of long ones.
        set(SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20)
        set(SOL_XDP, Int32(CMartletLinux_maxTransmitBudget), Int32(options.transmitRing))
        guard options.busyPoll > 0 else { return }
        set(SOL_SOCKET, SO_PREFER_BUSY_POLL, 1)
        set(SOL_SOCKET, SO_BUSY_POLL, options.busyPoll)
        set(SOL_SOCKET, SO_BUSY_POLL_BUDGET, 256)
    }
}

/// What the kernel counts for a socket, each since it was bound; all of them are packets but the two `...RingEmpty`.
public struct XSKStatistics: Sendable, Hashable {
    /// Received and dropped: longer than a chunk without multi-buffer, or the buffers were at an end.
    public var receiveDropped: UInt64 = 0
    /// Descriptors on the fill ring that the kernel refused.
    public var receiveInvalid: UInt64 = 0
    /// Descriptors on the transmit ring that the kernel refused.
    public var transmitInvalid: UInt64 = 0
    /// Received and dropped because the receive ring was full: the worker is too slow.
    public var receiveRingFull: UInt64 = 0
    /// Times at which the fill ring had no buffer: the pool is too small.
    public var fillRingEmpty: UInt64 = 0
    /// Times at which the kernel found nothing to send.
    public var transmitRingEmpty: UInt64 = 0
}

extension XSKSocket {
    /// Reads the counters from the kernel; zeroes when the device has gone. Any thread may call.
    public var statistics: XSKStatistics {
        var raw = xdp_statistics()
        var size = socklen_t(MemoryLayout<xdp_statistics>.size)
        guard getsockopt(fileDescriptor, SOL_XDP, XDP_STATISTICS, &raw, &size) == 0 else { return XSKStatistics() }
        return XSKStatistics(
            receiveDropped: raw.rx_dropped, receiveInvalid: raw.rx_invalid_descs,
            transmitInvalid: raw.tx_invalid_descs, receiveRingFull: raw.rx_ring_full,
            fillRingEmpty: raw.rx_fill_ring_empty_descs, transmitRingEmpty: raw.tx_ring_empty_descs)
    }
}
