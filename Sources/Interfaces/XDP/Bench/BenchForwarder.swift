// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// The emptiest router: what comes in on one device goes out on the other, unchanged, in both directions, from one memory.
/// Its rate is the floor under which no graph can be. One thread.
public struct BenchForwarder: ~Copyable {
    /// Packets that went onto a transmit ring.
    public private(set) var forwarded: UInt64 = 0
    /// Packets that found the transmit ring full.
    public private(set) var dropped: UInt64 = 0

    private let leftPort: BenchPort
    private let rightPort: BenchPort
    private let left: XSKRings
    private let right: XSKRings
    private var memory: BenchMemory
    private let packets: UnsafeMutableBufferPointer<xdp_desc>

    /// - Parameter batch: Packets per turn and direction.
    public init(between left: String, and right: String, frameLength: Int = 1514, batch: Int = 256) throws(XDPError) {
        let memory = try BenchMemory(count: 8192, frameLength: frameLength)
        let leftPort = try BenchPort(left, memory.umem)
        let rightPort = try BenchPort(right, memory.umem)
        self.left = leftPort.socket.rings
        self.right = rightPort.socket.rings
        self.leftPort = leftPort
        self.rightPort = rightPort
        self.memory = memory
        packets = .allocate(capacity: batch)
        self.memory.refill(self.left)
        self.memory.refill(self.right)
    }

    deinit { packets.deallocate() }

    /// One turn over both directions; returns the packets received.
    @discardableResult
    public mutating func step() -> Int {
        move(from: left, to: right) &+ move(from: right, to: left)
    }

    private mutating func move(from source: XSKRings, to target: XSKRings) -> Int {
        let count = source.receive(into: packets)
        guard count > 0 else { return 0 }
        let taken = target.transmit(UnsafeBufferPointer(rebasing: packets[..<count]))
        for position in taken..<count { memory.give(packets[position].addr) }
        forwarded &+= UInt64(taken)
        dropped &+= UInt64(count &- taken)
        target.flush()
        memory.reclaim(target)
        memory.refill(source)
        return count
    }
}

/// A device with our program and the socket of its first queue.
struct BenchPort: ~Copyable {
    let program: XDPProgram
    let socket: XSKSocket

    init(_ device: String, queue: Int = 0, _ umem: UMEM, _ options: XSKSocket.Options = XSKSocket.Options()) throws(XDPError) {
        let program = try XDPProgram(device: device) { _ in }
        let socket = try XSKSocket(device: device, queue: queue, umem: umem, options: options)
        try program.insert(socket)
        self.program = program
        self.socket = socket
    }
}
