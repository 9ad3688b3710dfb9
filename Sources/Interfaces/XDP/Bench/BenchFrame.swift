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
    /// VLAN of an 802.1Q tag, 1 to 4094; nil without one.
    public var vlan: UInt16?
    /// Bytes from the destination address to the end of the payload, without the frame check sequence; 60 to 9014.
    public var length: Int
    /// Flows that are sent in turn; 1 to 16384.
    public var flows: Int

    public init(
        destination: [UInt8] = [0x02, 0, 0, 0, 0, 2], source: [UInt8] = [0x02, 0, 0, 0, 0, 1],
        sourceAddress: UInt32 = 0x0a00_0001, destinationAddress: UInt32 = 0x0a00_0102,
        vlan: UInt16? = nil, length: Int = 60, flows: Int = 256
    ) {
        precondition(destination.count == 6 && source.count == 6, "an Ethernet address has six bytes")
        precondition((60...9014).contains(length) && (1...16384).contains(flows), "frame length or flows out of range")
        self.destination = destination
        self.source = source
        self.sourceAddress = sourceAddress
        self.destinationAddress = destinationAddress
        self.vlan = vlan
        self.length = length
        self.flows = flows
    }

    /// Bytes in front of the IPv4 header.
    private var linkLength: Int { vlan == nil ? 14 : 18 }
    var sourcePortOffset: Int { linkLength + 20 }
    /// Behind Ethernet, IPv4 and UDP headers.
    var stampOffset: Int { linkLength + 20 + 8 }
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
        if let vlan {
            store(0x8100, at: 12)
            store(vlan, at: 14)
        }
        let header = linkLength
        store(0x0800, at: header - 2)
        store(0x4500, at: header)
        store(UInt16(length - header), at: header + 2)
        store(0x4011, at: header + 8)
        store(UInt16(sourceAddress >> 16), at: header + 12)
        store(UInt16(truncatingIfNeeded: sourceAddress), at: header + 14)
        store(UInt16(destinationAddress >> 16), at: header + 16)
        store(UInt16(truncatingIfNeeded: destinationAddress), at: header + 18)
        store(headerChecksum(frame + header), at: header + 10)
        store(4789, at: header + 22)
        store(UInt16(length - header - 20), at: header + 24)
        stamp(frame, flow: 0, sequence: 0)
    }

    func stamp(_ frame: UnsafeMutableRawPointer, flow: UInt32, sequence: UInt64) {
        let port = BenchFrame.firstPort &+ UInt16(truncatingIfNeeded: flow)
        frame.storeBytes(of: port.bigEndian, toByteOffset: sourcePortOffset, as: UInt16.self)
        let stamp = Stamp(mark: Stamp.mark, flow: flow, sequence: sequence)
        frame.storeBytes(of: stamp, toByteOffset: stampOffset, as: Stamp.self)
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
