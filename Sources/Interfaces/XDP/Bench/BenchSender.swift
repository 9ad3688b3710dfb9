// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Sends stamped frames through an AF_XDP socket, at a given rate or as fast as the kernel takes them. One thread.
public struct BenchSender: ~Copyable {
    /// Packets that the kernel has taken.
    public var sent: UInt64 { queued &- UInt64(port.pending) }

    private let port: BenchPort
    private var memory: BenchMemory
    private let frame: BenchFrame
    private let packets: UnsafeMutableBufferPointer<xdp_desc>
    private var queued: UInt64 = 0
    private var flow: UInt32 = 0
    private var sequence: UInt64 = 0

    /// - Parameters:
    ///   - device: In the calling thread's network namespace. It needs no XDP program of ours.
    ///   - batch: Packets per call into the kernel.
    public init(device: String, queue: Int = 0, frame: BenchFrame, batch: Int = 64) throws(XDPError) {
        let memory = try BenchMemory(count: 1024, frameLength: frame.length)
        for index in 0..<memory.umem.count {
            frame.write(to: memory.umem.base + index * memory.umem.bufferSize)
        }
        let port = try BenchPort(device, queue: queue, memory.umem, ring: 4096, receives: false)
        self.port = port
        self.memory = memory
        self.frame = frame
        packets = .allocate(capacity: batch)
    }

    deinit { packets.deallocate() }

    /// Sends up to `limit` packets, at most one batch. Returns how many went onto the ring.
    @discardableResult
    public mutating func send(upTo limit: Int) -> Int {
        port.reclaim(&memory)
        let count = min(limit, packets.count, memory.freeCount)
        for position in 0..<max(count, 0) {
            let address = memory.take()
            frame.stamp(memory.umem.base + Int(address), flow: flow, sequence: sequence)
            packets[position] = xdp_desc(addr: address, len: UInt32(frame.length), options: 0)
            flow &+= 1
            if flow == frame.flows {
                flow = 0
                sequence &+= 1
            }
        }
        let batch = UnsafeBufferPointer(rebasing: packets[..<max(count, 0)])
        // The ring has room for all buffers, in chunks of four: it takes all.
        let taken = port.send(batch)
        queued &+= UInt64(taken)
        return taken
    }
}
