// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Receives stamped frames through an AF_XDP socket, counts them and checks their order within each flow. One thread.
public struct BenchSink: ~Copyable {
    /// Packets of ours.
    public private(set) var received: UInt64 = 0
    /// Packets that came after a later one of their flow.
    public private(set) var reordered: UInt64 = 0
    /// Packets that were not ours: ARP, IPv6 neighbour discovery and the like.
    public private(set) var foreign: UInt64 = 0
    public var statistics: XSKStatistics { port.socket.statistics }

    private let port: BenchPort
    private var memory: BenchMemory
    private let packets: UnsafeMutableBufferPointer<xdp_desc>
    /// The sequence number that is next, by flow.
    private let expected: UnsafeMutableBufferPointer<UInt64>

    /// - Parameter frame: What `BenchSender` sends, for its length and flows.
    public init(device: String, queue: Int = 0, frame: BenchFrame) throws(XDPError) {
        let memory = try BenchMemory(count: 8192, frameLength: frame.length)
        let port = try BenchPort(device, queue: queue, memory.umem, ring: 4096)
        self.port = port
        self.memory = memory
        packets = .allocate(capacity: 256)
        expected = .allocate(capacity: frame.flows)
        expected.initialize(repeating: 0)
        self.port.refill(&self.memory)
    }

    deinit {
        packets.deallocate()
        expected.deallocate()
    }

    /// Takes what has come, at most 256 packets; returns how many.
    @discardableResult
    public mutating func receive() -> Int {
        let count = port.receive(into: packets, &memory)
        for position in 0..<count {
            check(packets[position])
            memory.give(packets[position].addr)
        }
        if count > 0 { port.refill(&memory) }
        return count
    }

    private mutating func check(_ packet: xdp_desc) {
        let bytes = UnsafeRawPointer(memory.umem.base + Int(packet.addr))
        guard let stamp = BenchFrame.stamp(in: bytes, length: Int(packet.len)), Int(stamp.flow) < expected.count else {
            foreign &+= 1
            return
        }
        received &+= 1
        let next = expected[Int(stamp.flow)]
        if stamp.sequence < next {
            reordered &+= 1
        } else {
            expected[Int(stamp.flow)] = stamp.sequence &+ 1
        }
    }
}
