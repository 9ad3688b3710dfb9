// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The Ethernet frames that the bench sends: IPv4, UDP, and a stamp by which the far end knows flow and order.
///
/// The flows differ in their UDP source port; the UDP checksum is left out, as IPv4 allows (RFC 768).
public struct BenchFrame: Sendable {
    /// Six bytes each, in wire order.
    public var destination: [UInt8]
    public var source: [UInt8]
    /// IPv4 addresses as numbers: 10.0.0.1 is 0x0a00_0001.
    public var sourceAddress: UInt32
    public var destinationAddress: UInt32
    /// Bytes from the destination address to the end of the payload, without the frame check sequence; 60 to 9014.
    public var length: Int
    /// Flows that are sent in turn; 1 to 16384.
    public var flows: Int

    public init(
        destination: [UInt8] = [0x02, 0, 0, 0, 0, 2], source: [UInt8] = [0x02, 0, 0, 0, 0, 1],
        sourceAddress: UInt32 = 0x0a00_0001, destinationAddress: UInt32 = 0x0a00_0102,
        length: Int = 60, flows: Int = 256
    ) {
        precondition(destination.count == 6 && source.count == 6, "an Ethernet address has six bytes")
        precondition((60...9014).contains(length) && (1...16384).contains(flows), "frame length or flows out of range")
        self.destination = destination
        self.source = source
        self.sourceAddress = sourceAddress
        self.destinationAddress = destinationAddress
        self.length = length
        self.flows = flows
    }

    /// Behind Ethernet, IPv4 and UDP headers.
    static let stampOffset = 14 + 20 + 8
    static let sourcePortOffset = 14 + 20
    /// UDP source port of flow 0.
    static let firstPort: UInt16 = 1024

    /// Which packet this is: the n-th of its flow. In the frame's payload, in the host's byte order.
    struct Stamp: BitwiseCopyable {
        var mark: UInt32
        var flow: UInt32
        var sequence: UInt64

        static let mark: UInt32 = 0x4d_54_4c_54
    }

    /// Writes the whole frame, as the first packet of flow 0.
    func write(to frame: UnsafeMutableRawPointer) {
        memset(frame, 0, length)
        destination.withUnsafeBytes { frame.copyMemory(from: $0.baseAddress!, byteCount: 6) }
        source.withUnsafeBytes { (frame + 6).copyMemory(from: $0.baseAddress!, byteCount: 6) }
        func store(_ value: UInt16, at offset: Int) {
            frame.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
        }
        store(0x0800, at: 12)
        store(0x4500, at: 14)
        store(UInt16(length - 14), at: 16)
        store(0x4011, at: 22)
        store(UInt16(sourceAddress >> 16), at: 26)
        store(UInt16(truncatingIfNeeded: sourceAddress), at: 28)
        store(UInt16(destinationAddress >> 16), at: 30)
        store(UInt16(truncatingIfNeeded: destinationAddress), at: 32)
        store(headerChecksum(frame + 14), at: 24)
        store(4789, at: 36)
        store(UInt16(length - 34), at: 38)
        stamp(frame, flow: 0, sequence: 0)
    }

    func stamp(_ frame: UnsafeMutableRawPointer, flow: UInt32, sequence: UInt64) {
        let port = BenchFrame.firstPort &+ UInt16(truncatingIfNeeded: flow)
        frame.storeBytes(of: port.bigEndian, toByteOffset: BenchFrame.sourcePortOffset, as: UInt16.self)
        let stamp = Stamp(mark: Stamp.mark, flow: flow, sequence: sequence)
        frame.storeBytes(of: stamp, toByteOffset: BenchFrame.stampOffset, as: Stamp.self)
    }

    private func headerChecksum(_ header: UnsafeRawPointer) -> UInt16 {
        var sum: UInt32 = 0
        for offset in stride(from: 0, to: 20, by: 2) {
            sum += UInt32(UInt16(bigEndian: header.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
        }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        return ~UInt16(sum)
    }
}
