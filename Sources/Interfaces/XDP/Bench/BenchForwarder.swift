// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// The emptiest router: what comes in on one device goes out on the other, unchanged, in both directions, from one
/// memory. Its rate is the floor under which no graph can be. One thread.
public struct BenchForwarder: ~Copyable {
    /// Packets that went onto a transmit ring.
    public private(set) var forwarded: UInt64 = 0
    /// Packets that found the transmit ring full.
    public private(set) var dropped: UInt64 = 0

    private let left: BenchPort
    private let right: BenchPort
    private var memory: BenchMemory
    private let packets: UnsafeMutableBufferPointer<xdp_desc>

    /// - Parameter frameLength: The longest frame to forward.
    public init(between left: String, and right: String, frameLength: Int = 1514) throws(XDPError) {
        let memory = try BenchMemory(count: 16384, frameLength: frameLength)
        let left = try BenchPort(left, queue: 0, memory.umem, ring: 4096)
        let right = try BenchPort(right, queue: 0, memory.umem, ring: 4096)
        self.left = left
        self.right = right
        self.memory = memory
        packets = .allocate(capacity: 256)
        self.left.refill(&self.memory)
        self.right.refill(&self.memory)
    }

    deinit { packets.deallocate() }

    /// One turn over both directions; returns the packets received.
    @discardableResult
    public mutating func step() -> Int {
        var count = 0
        count &+= BenchForwarder.move(from: left, to: right, packets, &memory, &forwarded, &dropped)
        count &+= BenchForwarder.move(from: right, to: left, packets, &memory, &forwarded, &dropped)
        return count
    }

    private static func move(
        from source: borrowing BenchPort, to target: borrowing BenchPort,
        _ packets: UnsafeMutableBufferPointer<xdp_desc>, _ memory: inout BenchMemory,
        _ forwarded: inout UInt64, _ dropped: inout UInt64
    ) -> Int {
        let count = source.receive(into: packets, &memory)
        guard count > 0 else { return 0 }
        let taken = target.send(UnsafeBufferPointer(rebasing: packets[..<count]))
        for position in taken..<count { memory.give(packets[position].addr) }
        forwarded &+= UInt64(taken)
        dropped &+= UInt64(count &- taken)
        target.reclaim(&memory)
        source.refill(&memory)
        return count
    }
}
