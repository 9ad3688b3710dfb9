// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Testing

@testable import Interfaces

/// For tests that make network devices.
enum XDPLab {
    static let isPossible = geteuid() == 0
    static let reason: Comment = "makes network namespaces and loads BPF programs, so it needs root: `sudo swift test`"

    /// Runs a command of iproute2 or ethtool in the calling thread's namespace; fails the test when it fails.
    static func run(_ command: String) {
        // The child is forked from this thread, so it is in this thread's namespace.
        #expect(system(command + " >/dev/null") == 0, "\(command)")
    }
}

/// One queue of a device with memory of its own, driven from the test.
final class LabPort {
    let program: XDPProgram
    let socket: XSKSocket
    let rings: XSKRings
    let memory: UnsafeMutableRawPointer
    let umem: UMEM

    init(
        _ device: String, bufferSize: Int = 2048, options: XSKSocket.Options = XSKSocket.Options(),
        mode: XDPProgram.Mode? = nil
    ) throws {
        let memory = CMartletLinux_mapAnonymous(1024 * bufferSize, 0)!
        let umem = try UMEM(base: memory, byteCount: 1024 * bufferSize, bufferSize: bufferSize)
        let program = try XDPProgram(device: device, mode: mode) { _ in }
        let socket = try XSKSocket(device: device, queue: 0, umem: umem, options: options)
        try program.insert(socket)
        rings = socket.rings
        self.program = program
        self.socket = socket
        self.memory = memory
        self.umem = umem
        // The lower half is for reception, the upper for sending.
        let addresses = (0..<512).map { UInt64($0 * bufferSize) }
        _ = addresses.withUnsafeBufferPointer { rings.refill($0) }
    }

    deinit { munmap(memory, umem.byteCount) }

    /// Sends a frame from the middle of the memory, 256 bytes into its buffer.
    func send(_ frame: [UInt8]) {
        let address = UInt64(512 * umem.bufferSize + 256)
        (memory + Int(address)).copyMemory(from: frame, byteCount: frame.count)
        let packet = [xdp_desc(addr: address, len: UInt32(frame.count), options: 0)]
        #expect(packet.withUnsafeBufferPointer { rings.transmitWhole($0) } == 1)
        #expect(rings.flush() == 0)
        var back = [UInt64](repeating: 0, count: 8)
        #expect(back.withUnsafeMutableBufferPointer { rings.reclaimWhole(into: $0) } == 1)
        #expect(back[0] == address, "a sent buffer comes back by the address it was given")
    }

    /// Waits for a frame whose type is that of `mark`; nil after half a second.
    func receive() -> [UInt8]? {
        var packets = [xdp_desc](repeating: xdp_desc(), count: 64)
        var spares = [UInt64](repeating: 0, count: 64)
        for _ in 0..<500 {
            let got = packets.withUnsafeMutableBufferPointer { packets in
                spares.withUnsafeMutableBufferPointer { rings.receiveWhole(into: packets, spares: $0) }
            }
            for packet in packets[..<got.packets] {
                let bytes = UnsafeRawBufferPointer(start: memory + Int(packet.addr), count: Int(packet.len))
                #expect(packet.addr % UInt64(umem.bufferSize) == 256, "headroom of 256 bytes")
                if bytes[12] == 0x88, bytes[13] == 0xb5 { return Array(bytes) }
            }
            usleep(1000)
        }
        return nil
    }

    /// A frame of the local experimental EtherType with counting bytes.
    static func frame(_ length: Int) -> [UInt8] {
        [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5] + (14..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    }
}
