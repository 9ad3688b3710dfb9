// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Martlet's XDP program on one device, with its maps: the one place that knows either.
///
/// The program hands each packet to the AF_XDP socket of the queue it came in on, and to the kernel's own stack where
/// there is no socket on that queue. The kernel takes it off the device when the process ends, however it ends: the
/// attachment is a BPF link, which lives as long as its file descriptor.
///
/// Control world only. The sockets themselves run without it.
public struct XDPProgram: ~Copyable {
    /// Where in the kernel the program runs.
    public enum Mode: String, Sendable {
        /// In the driver, on the bare frame.
        case driver
        /// After the kernel made a socket buffer of the frame: works with any driver, costs most of the speed.
        case generic

        /// XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE.
        var flag: UInt32 { self == .driver ? 1 << 2 : 1 << 1 }
    }

    /// The name by which the kernel lists the program, and by which one that was left over is known as ours.
    static let name = "martlet_xdp"
    /// Entries of the socket map: queues beyond have no AF_XDP socket. Small, because each entry is only a pointer.
    static let maxQueues: UInt32 = 256

    public let device: String
    public let mode: Mode
    /// The kernel's identifier, as `ip link` and `bpftool prog` show it.
    public let id: UInt32
    private let sockets: OwnedFile
    private let program: OwnedFile
    private let link: OwnedFile

    /// Loads the program and attaches it, in driver mode if the driver can.
    ///
    /// - Parameters:
    ///   - device: Name of the device in the calling thread's network namespace.
    ///   - mode: A mode to insist on; nil takes the driver's, or else the generic one with a warning.
    ///   - warn: Takes a line for the operator.
    public init(device: String, mode: Mode? = nil, warn: (String) -> Void) throws(XDPError) {
        let index = if_nametoindex(device)
        guard index != 0 else { throw .noDevice(device) }
        try XDPProgram.clear(device: device, index: Int32(index), warn: warn)

        let map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "martlet_sockets", 4, 4, XDPProgram.maxQueues, nil)
        guard map >= 0 else { throw .kernel(-map, "create the map of AF_XDP sockets", device: device) }
        let sockets = OwnedFile(map)
        let program = OwnedFile(
            try BPFInstruction.load(XDPProgram.redirectToSocket(map: map), name: XDPProgram.name, device: device))
        let attached = try XDPProgram.attach(
            program.number, device: device, index: Int32(index), mode: mode, warn: warn)
        self.device = device
        self.mode = attached.mode
        self.id = XDPProgram.information(program: program.number)?.id ?? 0
        self.link = OwnedFile(attached.link)
        self.sockets = sockets
        self.program = program
    }

    /// From now on the packets of `queue` go to the socket.
    public func insert(_ socket: borrowing XSKSocket) throws(XDPError) {
        var queue = UInt32(socket.queue)
        var file = socket.fileDescriptor
        let result = bpf_map_update_elem(sockets.number, &queue, &file, 0)
        guard result == 0 else { throw .kernel(-result, "direct queue \(queue) to its socket", device: device) }
    }

    /// From now on the packets of `queue` go to the kernel's stack. A socket that is closed leaves the map by itself.
    public func remove(queue: Int) {
        var queue = UInt32(queue)
        bpf_map_delete_elem(sockets.number, &queue)
    }

    /// `return bpf_redirect_map(&sockets, context->rx_queue_index, XDP_PASS)`: the low bits of the flags are the
    /// verdict when the map has nothing at that key (Linux 5.3).
    static func redirectToSocket(map: Int32) -> [BPFInstruction] {
        let rxQueueIndex = Int16(MemoryLayout<xdp_md>.offset(of: \.rx_queue_index)!)
        return [
            BPFInstruction.load(.r2, from: .r1, offset: rxQueueIndex),
            BPFInstruction.loadMap(.r1, file: map),
            BPFInstruction.move(.r3, Int32(XDP_PASS.rawValue)),
            BPFInstruction.call(.redirectMap),
            BPFInstruction.exit(),
        ].flatMap { $0 }
    }
}
