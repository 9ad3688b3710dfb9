// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

private let source = IPv4Address(192, 168, 1, 1)
private let destination = IPv4Address(192, 168, 1, 2)

@Suite("UDP")
struct UDPTests {
    static let bytes = hex("BF00 0035 000C 124D AA00 00FF")
    static let header = UDPHeader(sourcePort: 48896, destinationPort: 53)

    @Test func deconstruct() {
        reading(Self.bytes) { bytes in
            let view = UDPView(bytes)!
            #expect(view.sourcePort == 48896 && view.destinationPort == 53)
            #expect(view.length == 12 && view.checksum == 0x124D)
            #expect([UInt8](view.payload) == [0xAA, 0, 0, 0xFF])
            #expect(view.isChecksumRight(source: source, destination: destination))
            #expect(!view.isChecksumRight(source: source, destination: .any))
        }
    }

    @Test func parse() {
        reading(Self.bytes) { #expect(UDPHeader(UDPView($0)!) == Self.header) }
    }

    @Test func emit() {
        let bytes = writing(12) { window in
            for (offset, byte) in [0xAA, 0, 0, 0xFF].enumerated() { window.store(UInt8(byte), at: 8 + offset) }
            Self.header.emit(into: window, source: source, destination: destination)
        }
        #expect(bytes == Self.bytes)
    }

    @Test func truncatedOrImpossible() {
        reading(Self.bytes) { bytes in
            for length in 0..<8 { #expect(UDPView(bytes.prefix(length)) == nil) }
            #expect(!UDPView(bytes.prefix(11))!.isChecksumRight(source: source, destination: destination))
            bytes.storeNetwork(7 as UInt16, at: 4)
            #expect(!UDPView(bytes)!.isChecksumRight(source: source, destination: destination))
            #expect(UDPView(bytes)!.payload.count == 0)
        }
    }

    @Test func noChecksumIsRight() {
        reading(Self.bytes) { bytes in
            bytes.storeNetwork(0 as UInt16, at: 6)
            #expect(UDPView(bytes)!.isChecksumRight(source: source, destination: destination))
        }
    }

    /// A sum whose complement is zero goes out as 0xFFFF.
    @Test func checksumZeroIsWrittenAsOnes() {
        let bytes = writing(10) { window in
            window.storeNetwork(0 as UInt16, at: 8)
            Self.header.emit(into: window, source: source, destination: destination)
            let checksum = UDPView(window)!.checksum
            // Data that are the checksum itself bring the sum to 0xFFFF.
            window.storeNetwork(checksum, at: 8)
            Self.header.emit(into: window, source: source, destination: destination)
        }
        #expect(bytes[6] == 0xFF && bytes[7] == 0xFF)
    }
}

@Suite("TCP")
struct TCPTests {
    static let header = TCPHeader(
        sourcePort: 48896, destinationPort: 80, flags: [.syn, .ack], sequenceNumber: 0x0123_4567,
        acknowledgement: 0x89AB_CDEF, window: 0x0123)
    static let bytes = hex("BF00 0050 01234567 89ABCDEF 5012 0123 23E3 0000 AA00")

    @Test func emitAndDeconstruct() {
        let bytes = writing(22) { window in
            window.storeNetwork(0xAA00 as UInt16, at: 20)
            Self.header.emit(into: window, source: source, destination: destination)
        }
        #expect(bytes == Self.bytes)
        reading(bytes) { bytes in
            let view = TCPView(bytes)!
            #expect(view.sourcePort == 48896 && view.destinationPort == 80)
            #expect(view.sequenceNumber == 0x0123_4567 && view.acknowledgement == 0x89AB_CDEF)
            #expect(view.headerLength == 20 && view.flags == [.syn, .ack] && view.window == 0x0123)
            #expect(view.urgentPointer == 0 && view.options.count == 0)
            #expect([UInt8](view.payload) == [0xAA, 0] && view.checksum == 0x23E3)
            #expect(view.isChecksumRight(source: source, destination: destination))
            #expect(TCPHeader(view) == Self.header)
            bytes.storeNetwork(0x23E4 as UInt16, at: 16)
            #expect(!view.isChecksumRight(source: source, destination: destination))
        }
    }

    @Test func truncated() {
        reading(Self.bytes) { bytes in
            for length in 0..<20 { #expect(TCPView(bytes.prefix(length)) == nil) }
            bytes.store(0xF0 as UInt8, at: 12)
            #expect(TCPView(bytes)!.options.count == 2 && TCPView(bytes)!.payload.count == 0)
            bytes.store(0 as UInt8, at: 12)
            #expect(TCPView(bytes)!.options.count == 0 && TCPView(bytes)!.payload.count == 2)
        }
    }

    @Test func flags() {
        #expect(TCPFlags([.syn, .ack]).description == "SYN ACK")
        #expect(TCPFlags([]).description == "no flags")
    }
}

@Suite("ICMP")
struct ICMPv4Tests {
    static let bytes = hex("0800 8EFE 1234 ABCD AA00 00FF")
    static let message = ICMPv4Message.echoRequest(identifier: 0x1234, sequence: 0xABCD)

    @Test func deconstruct() {
        reading(Self.bytes) { bytes in
            let view = ICMPv4View(bytes)!
            #expect(view.type == .echoRequest && view.code == 0 && view.checksum == 0x8EFE)
            #expect(view.identifier == 0x1234 && view.sequence == 0xABCD)
            #expect([UInt8](view.payload) == [0xAA, 0, 0, 0xFF])
            #expect(view.isChecksumRight)
        }
    }

    @Test func parse() {
        reading(Self.bytes) { #expect(ICMPv4Message(ICMPv4View($0)!) == Self.message) }
    }

    @Test func emit() {
        let bytes = writing(12) { window in
            for (offset, byte) in [0xAA, 0, 0, 0xFF].enumerated() { window.store(UInt8(byte), at: 8 + offset) }
            Self.message.emit(into: window)
        }
        #expect(bytes == Self.bytes)
    }

    @Test func truncated() {
        reading(Self.bytes) { bytes in
            for length in 0..<8 { #expect(ICMPv4View(bytes.prefix(length)) == nil) }
        }
    }

    @Test func replyInPlace() {
        for sequence in 0...UInt16.max {
            let reply = writing(8) { window in
                ICMPv4Message.echoRequest(identifier: 1, sequence: sequence).emit(into: window)
                ICMPv4View(window)!.turnIntoEchoReply()
            }
            let expected = writing(8) { ICMPv4Message.echoReply(identifier: 1, sequence: sequence).emit(into: $0) }
            guard reply != expected else { continue }
            Issue.record("sequence \(sequence): \(reply) is not \(expected)")
            return
        }
    }

    @Test func errors() {
        #expect(ICMPv4Message.unreachable(.fragmentationNeeded, nextHopMTU: 1400).rest == 1400)
        #expect(ICMPv4Message.parameterProblem(pointer: 20).rest == 20 << 24)
        #expect(ICMPv4Message.timeExceeded.type.isError && !ICMPv4Type.echoRequest.isError)
        #expect(!ICMPv4Type(rawValue: 200).isError)
        #expect(ICMPv4Message.reassemblyTimeExceeded.code == 1)
    }

    /// Made by Scapy 2.8, with a datagram from 10.0.0.2 to 192.0.2.9.
    @Test func redirect() {
        let expected = hex("05 01 BD1A 0A000009 4500001C 0001 0000 40 11 AEC5 0A000002 C0000209 0001 0002 0008 33D0")
        let bytes = writing(36) { window in
            for offset in 8..<36 { window.store(expected[offset], at: offset) }
            ICMPv4Message.redirect(to: IPv4Address(10, 0, 0, 9)).emit(into: window)
        }
        #expect(bytes == expected)
        reading(bytes) { #expect(ICMPv4View($0)!.gateway == IPv4Address(10, 0, 0, 9)) }
    }
}
