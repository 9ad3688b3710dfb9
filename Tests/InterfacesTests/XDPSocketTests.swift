// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Testing

@testable import Interfaces

@Suite(.serialized, .enabled(if: XDPLab.isPossible, XDPLab.reason))
struct XDPSocketTests {
    @Test(arguments: [XDPProgram.Mode.driver, .generic])
    func `a frame goes through, byte by byte`(mode: XDPProgram.Mode) throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1")
            let left = try LabPort("lab0", mode: mode)
            let right = try LabPort("lab1", mode: mode)
            for length in [60, 61, 128, 1514] {
                left.send(LabPort.frame(length))
                #expect(right.receive() == LabPort.frame(length))
                right.send(LabPort.frame(length))
                #expect(left.receive() == LabPort.frame(length))
            }
        }
    }

    @Test func `frames of 9014 bytes go through in buffers of 16 KiB`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1", mtu: 9000)
            var options = XSKSocket.Options()
            options.multiBuffer = true
            let left = try LabPort("lab0", bufferSize: 16384, options: options)
            let right = try LabPort("lab1", bufferSize: 16384, options: options)
            // Around one chunk in reception (3840) and in transmission (4096 - 256), around two, and the longest.
            for length in [60, 3839, 3840, 3841, 4096, 7680, 7681, 7936, 7937, 9014] {
                left.send(LabPort.frame(length))
                #expect(right.receive() == LabPort.frame(length))
                right.send(LabPort.frame(length))
                #expect(left.receive() == LabPort.frame(length))
            }
        }
    }

    @Test func `a frame that is longer than a chunk is counted where chunks are not chained`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1", mtu: 9000)
            var options = XSKSocket.Options()
            options.multiBuffer = true
            let left = try LabPort("lab0", bufferSize: 16384, options: options)
            let right = try LabPort("lab1", bufferSize: 4096)
            left.send(LabPort.frame(3840))
            #expect(right.receive()?.count == 3840)
            left.send(LabPort.frame(3841))
            left.send(LabPort.frame(60))
            #expect(right.receive()?.count == 60)
            let statistics = right.socket.statistics
            #expect(statistics.receiveDropped == 1)
        }
    }

    @Test func `a frame that is longer than its buffer is dropped and both chunks come back`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1", mtu: 9000)
            var options = XSKSocket.Options()
            options.multiBuffer = true
            let left = try LabPort("lab0", bufferSize: 16384, options: options)
            let right = try LabPort("lab1", bufferSize: 4096, options: options)
            left.send(LabPort.frame(5000))
            var packets = [xdp_desc](repeating: xdp_desc(), count: 32)
            var spares = [UInt64](repeating: 0, count: 32)
            var oversized = 0
            var empty = 0
            for _ in 0..<500 where oversized == 0 {
                let got = packets.withUnsafeMutableBufferPointer { packets in
                    spares.withUnsafeMutableBufferPointer { right.rings.receiveWhole(into: packets, spares: $0) }
                }
                oversized += got.oversized
                empty += got.spares
                usleep(1000)
            }
            #expect(oversized == 1 && empty == 2)
        }
    }

    @Test func `chunks above a page are refused by the kernel`() throws {
        // UMEM never asks for them; this is to notice when Linux learns it.
        let memory = CMartletLinux_mapAnonymous(1 << 20, 0)!
        defer { munmap(memory, 1 << 20) }
        var config = xsk_umem_config(fill_size: 64, comp_size: 64, frame_size: 8192, frame_headroom: 0, flags: 0)
        var fill = xsk_ring_prod()
        var completion = xsk_ring_cons()
        var umem: OpaquePointer?
        #expect(xsk_umem__create(&umem, memory, 1 << 20, &fill, &completion, &config) == -EINVAL)
    }

    @Test func `packets on a queue without a socket go to the kernel`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1")
            XDPLab.run("ip addr add 10.9.0.1/24 dev lab0; ip -6 addr flush lab0")
            let program = try XDPProgram(device: "lab0") { _ in }
            let other = try LabPort("lab1")
            _ = program.id
            // An ARP request for the kernel's address on the far side, answered to our socket.
            var request: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]
            request += [2, 0, 0, 0, 0, 9, 10, 9, 0, 2, 0, 0, 0, 0, 0, 0, 10, 9, 0, 1]
            request += [UInt8](repeating: 0, count: 60 - request.count)
            other.send(request)
            #expect(other.receiveARPReply())
        }
    }

    @Test func `two queues of a device have a socket each, on one memory`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1", queues: 2)
            let memory = CMartletLinux_mapAnonymous(1 << 20, 0)!
            defer { munmap(memory, 1 << 20) }
            let umem = try UMEM(base: memory, byteCount: 1 << 20, bufferSize: 2048)
            let program = try XDPProgram(device: "lab1") { _ in }
            let first = try XSKSocket(device: "lab1", queue: 0, umem: umem)
            let second = try XSKSocket(device: "lab1", queue: 1, umem: umem)
            try program.insert(first)
            try program.insert(second)
            let rings = [first.rings, second.rings]
            #expect([0, 2048].withUnsafeBufferPointer { rings[0].refill($0) } == 2)
            #expect([4096, 6144].withUnsafeBufferPointer { rings[1].refill($0) } == 2)
            // What is sent on a veth's queue 1 arrives on queue 1.
            var sender = try BenchSender(device: "lab0", queue: 1, frame: BenchFrame(length: 77))
            sender.send(upTo: 1)
            usleep(20_000)
            var packets = [xdp_desc](repeating: xdp_desc(), count: 8)
            let lengths = rings.map { rings in
                let count = packets.withUnsafeMutableBufferPointer { rings.receive(into: $0) }
                return packets[..<count].map(\.len)
            }
            #expect(!lengths[0].contains(77))
            #expect(lengths[1].contains(77))
            program.remove(queue: 1)
        }
    }

    @Test func `a device goes away and comes back while another goes on`() throws {
        try NetworkNamespace.withNew {
            let stable = try VethPair("lab0", "lab1")
            let left = try LabPort("lab0")
            let right = try LabPort("lab1")
            for _ in 0..<2 {
                let passing = try VethPair("pass0", "pass1")
                let gone = try LabPort("pass0")
                let peer = try LabPort("pass1")
                gone.send(LabPort.frame(100))
                #expect(peer.receive()?.count == 100)
                try passing.delete()
                // Sending into the void is an error, not a crash; nothing else is disturbed.
                #expect(gone.rings.wakeTransmit() != 0)
                left.send(LabPort.frame(200))
                #expect(right.receive()?.count == 200)
            }
            try stable.delete()
        }
    }
}

extension LabPort {
    /// Waits for an ARP reply; false after half a second.
    fileprivate func receiveARPReply() -> Bool {
        var packets = [xdp_desc](repeating: xdp_desc(), count: 64)
        for _ in 0..<500 {
            let count = packets.withUnsafeMutableBufferPointer { rings.receive(into: $0) }
            for packet in packets[..<count] {
                let bytes = UnsafeRawBufferPointer(start: memory + Int(packet.addr), count: Int(packet.len))
                if bytes[12] == 8, bytes[13] == 6, bytes[21] == 2 { return true }
            }
            usleep(1000)
        }
        return false
    }
}
