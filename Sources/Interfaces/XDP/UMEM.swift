// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Packet memory that AF_XDP sockets share: where it is and how it is cut. The caller owns the memory and keeps it for
/// as long as any socket lives.
///
/// Every socket registers the memory with the kernel for itself. So sockets of different devices and queues exchange
/// packets without a copy, a zero-copy NIC and a copying veth can share one memory, and a device may vanish and come
/// back without the others noticing. (A registration that is shared with `XDP_SHARED_UMEM` can do none of the last two:
/// the mode is the first device's, and the first device must stay.) The price is 8 bytes per page and socket in the
/// kernel.
///
/// A *buffer* is what the caller counts in; a *chunk* is what the kernel knows. Linux takes chunks up to a page
/// (checked with 6.18: larger ones are EINVAL, on hugepages too). So larger buffers are several chunks, of which only
/// the first is offered to the kernel for reception; a packet that came in several chunks is gathered in the first
/// one's buffer, and a long packet is sent as several chunks that lie one behind another.
public struct UMEM: @unchecked Sendable {
    /// What the kernel leaves free in front of a received packet, `XDP_PACKET_HEADROOM`.
    public static let kernelHeadroom = 256
    /// The longest chunk, which is a page.
    public static let maxChunkSize = 4096

    public let base: UnsafeMutableRawPointer
    public let byteCount: Int
    /// Bytes from one buffer to the next: a power of two from 2048.
    public let bufferSize: Int
    /// Bytes that the caller wants free in front of a packet, in addition to the kernel's 256.
    public let headroom: Int

    /// - Parameters:
    ///   - base: Start of the memory, on a page boundary.
    ///   - byteCount: Its length, a multiple of the buffer size.
    public init(base: UnsafeMutableRawPointer, byteCount: Int, bufferSize: Int, headroom: Int = 0) throws(XDPError) {
        guard bufferSize >= 2048, bufferSize & (bufferSize - 1) == 0 else { throw .chunkSize(bufferSize) }
        precondition(
            UInt(bitPattern: base) & 4095 == 0 && byteCount % bufferSize == 0, "UMEM is cut on pages and buffers")
        self.base = base
        self.byteCount = byteCount
        self.bufferSize = bufferSize
        self.headroom = headroom
    }

    /// Bytes of one chunk: the buffer's size, or a page if that is smaller.
    public var chunkSize: Int { min(bufferSize, UMEM.maxChunkSize) }
    /// Bytes of a packet that one chunk takes in reception.
    public var receiveCapacity: Int { chunkSize - UMEM.kernelHeadroom - headroom }
    /// Buffers in the memory.
    public var count: Int { byteCount / bufferSize }
}

/// The kernel's hold on the memory for one socket: the pages are pinned for as long as the value lives.
struct UMEMRegistration: ~Copyable {
    let umem: OpaquePointer
    /// The rings' bookkeeping; libxdp writes to it until the socket is deleted.
    let storage: UnsafeMutablePointer<XSKRings.Storage>

    init(_ memory: UMEM, device: String, options: XSKSocket.Options) throws(XDPError) {
        var config = xsk_umem_config(
            fill_size: options.receiveRing, comp_size: options.transmitRing, frame_size: UInt32(memory.chunkSize),
            frame_headroom: UInt32(memory.headroom), flags: 0)
        let storage = UnsafeMutablePointer<XSKRings.Storage>.allocate(capacity: 1)
        storage.initialize(to: XSKRings.Storage())
        var umem: OpaquePointer?
        let result = xsk_umem__create(
            &umem, memory.base, UInt64(memory.byteCount), storage.pointer(to: \.fill)!,
            storage.pointer(to: \.completion)!, &config)
        guard result == 0, let umem else {
            storage.deallocate()
            throw switch -result {
            case EPERM: .noPrivilege(to: "open AF_XDP sockets on \(device)")
            case ENOBUFS, ENOMEM: .noMemory(device: device, bytes: memory.byteCount)
            default: .kernel(-result, "register packet memory", device: device)
            }
        }
        self.umem = umem
        self.storage = storage
    }

    deinit {
        xsk_umem__delete(umem)
        storage.deallocate()
    }
}
