// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// LACPDUs and marker PDUs, byte by byte (IEEE 802.1AX-2014 clauses 6.4.2.3, 6.5.3.3).
@Suite struct LACPTests {
    private var packet: LACPPacket {
        var packet = LACPPacket(
            actor: LACPInformation(
                system: LACPSystem(priority: 0x8000, address: MACAddress(0x0200_0000_0001)), key: 0x000d,
                port: LACPPortIdentifier(priority: 0x8001, number: 22), state: [.active, .aggregatable, .synchronized]),
            partner: LACPInformation(
                system: LACPSystem(priority: 0x1234, address: MACAddress(0x0a0b_0c0d_0e0f)), key: 0x0102,
                port: LACPPortIdentifier(priority: 0x00ff, number: 0x0304), state: [.shortTimeout, .expired]))
        packet.collectorMaximumDelay = 0x0506
        return packet
    }

    private static let bytes: [UInt8] =
        [
            0x01, 0x80, 0xc2, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x77, 0x88, 0x09,  //
            0x01, 0x01,  //
            0x01, 0x14, 0x80, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x0d, 0x80, 0x01, 0x00, 0x16, 0x0d, 0, 0,
            0,  //
            0x02, 0x14, 0x12, 0x34, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x01, 0x02, 0x00, 0xff, 0x03, 0x04, 0x82, 0, 0,
            0,  //
            0x03, 0x10, 0x05, 0x06,
        ] + [UInt8](repeating: 0, count: 12 + 2 + 50)

    @Test func `the frame is the standard's, 124 bytes`() {
        let frame = packet.frame(from: MACAddress(0x0200_0000_0077))
        #expect(frame.count == 124)
        #expect(frame == LACPTests.bytes)
    }

    @Test func `what was written is read`() throws {
        var bytes = Array(LACPTests.bytes.dropFirst(14))
        let read = bytes.withBytes { bytes in LACPView(bytes).map { ($0.isWellFormed, LACPPacket($0)) } }
        let (isWellFormed, packet) = try #require(read)
        #expect(isWellFormed && packet == self.packet)
    }

    @Test func `a shorter one is none`() {
        var bytes = Array(LACPTests.bytes.dropFirst(14).dropLast())
        let isRead = bytes.withBytes { LACPView($0) != nil || MarkerView($0) != nil }
        #expect(!isRead)
    }

    /// Clause 6.4.2.4: version, types and reserved fields are not judged.
    @Test func `only the lengths are judged`() {
        for offset in [3, 23, 43] {
            var bytes = Array(LACPTests.bytes.dropFirst(14))
            bytes[offset] += 1
            let isWellFormed = bytes.withBytes { LACPView($0)?.isWellFormed }
            #expect(isWellFormed == false)
        }
        for offset in [1, 2, 22, 42, 19, 41, 58, 59, 109] {
            var bytes = Array(LACPTests.bytes.dropFirst(14))
            bytes[offset] = 9
            let isWellFormed = bytes.withBytes { LACPView($0)?.isWellFormed }
            #expect(isWellFormed == true)
        }
    }

    @Test func `a marker request becomes its own answer`() {
        var bytes: [UInt8] = [2, 1, 1, 16, 0, 7, 2, 0, 0, 0, 0, 1, 0, 0, 0, 9] + [UInt8](repeating: 0, count: 94)
        let before = bytes
        let isRequest = bytes.withBytes { bytes in
            let view = MarkerView(bytes)
            defer { view?.answer() }
            return view?.isRequest
        }
        #expect(isRequest == true && bytes[2] == 2)
        #expect(bytes.indices.allSatisfy { $0 == 2 || bytes[$0] == before[$0] })
        let isStillOne = bytes.withBytes { MarkerView($0)?.isRequest }
        #expect(isStillOne == false)
    }

    @Test func `the lower system decides, and the lower port is used`() {
        let systems = [(1, 9), (2, 1), (2, 3)].map {
            LACPSystem(priority: UInt16($0.0), address: MACAddress(UInt64($0.1)))
        }
        #expect(systems == systems.sorted())
        let ports = [(1, 9), (2, 1)].map { LACPPortIdentifier(priority: UInt16($0.0), number: UInt16($0.1)) }
        #expect(ports == ports.sorted())
    }
}
