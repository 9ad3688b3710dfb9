// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import IP

/// Authentication: digests as Python's hashlib computes them, and the windows of sequence numbers.
@Suite("BFD authentication")
struct BFDSealTests {
    static let now: UInt64 = 1_000_000_000
    static let packet = BFDPacket(
        state: .down, diagnostic: .neighborSignaledDown, flags: [.authenticated, .controlPlaneIndependent],
        multiplier: 5, myDiscriminator: 0x0102_0304, desiredMinTx: 1_000_000, requiredMinRx: 300_000,
        requiredMinEchoRx: 50_000)

    struct Known: Sendable, CustomTestStringConvertible {
        let kind: BFDAuthentication.Kind
        let key: String
        let sequence: UInt32
        let bytes: String
        var testDescription: String { "\(kind), key \(key)" }
    }

    // header + section, where section = type, length, key id 7, 0, sequence, and then
    // hashlib.md5 or sha1 (header + section + key.ljust(16 or 20, b'\0')).digest()
    static let known = [
        Known(
            kind: .keyedMD5, key: "martlet", sequence: 0xffff_fffe,
            bytes: "234c0530010203040000000000 0f4240000493e00000c35002180700fffffffed08f2abe2aae97cbdccfcee61b9b8c98"),
        Known(
            kind: .meticulousMD5, key: "martlet", sequence: 0xffff_ffff,
            bytes: "234c0530010203040000000000 0f4240000493e00000c35003180700ffffffff33e5f0c9c949b68f615b9846e548b002"),
        Known(
            kind: .keyedSHA1, key: "martlet", sequence: 0xffff_fffe,
            bytes:
                "234c0534010203040000000000 0f4240000493e00000c350041c0700fffffffedfa7395ece449989e340e6a5c3f280dd130fed4a"
        ),
        Known(
            kind: .meticulousSHA1, key: "martlet", sequence: 0xffff_ffff,
            bytes:
                "234c0534010203040000000000 0f4240000493e00000c350051c0700ffffffff9322205c057e41909c09e27c63352117ac2ec625"
        ),
        Known(
            kind: .meticulousSHA1, key: "0123456789abcdefghij", sequence: 0xffff_ffff,
            bytes:
                "234c0534010203040000000000 0f4240000493e00000c350051c0700ffffffff36126f1b69fdc2b4aae26b60b67e6543882d37c7"
        ),
        Known(
            kind: .meticulousMD5, key: "0123456789abcdef", sequence: 0xffff_ffff,
            bytes: "234c0530010203040000000000 0f4240000493e00000c35003180700ffffffff06000b9451c96f90985dfabf45f163b0"),
    ]

    static func hex(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    static func session(_ kind: BFDAuthentication.Kind, key: String = "martlet", identifier: UInt8 = 7) -> BFDSession {
        var parameters = BFDParameters.every(100)
        if kind != .none {
            parameters.authentication = BFDAuthentication(kind, keyIdentifier: identifier, key: Array(key.utf8))!
        }
        return BFDSession(discriminator: 9, parameters: parameters, now: now, seed: 5)
    }

    static func sealed(_ session: inout BFDSession, _ packet: BFDPacket = packet) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xa5, count: session.packetLength)
        bytes.withBytes { session.emit(packet, into: $0) }
        return bytes
    }

    static func judge(_ bytes: [UInt8], _ session: inout BFDSession, now: UInt64 = now) -> BFDForgery? {
        var copy = bytes
        let forgery = copy.withBytes { session.judge(BFDView($0)!, now: now) }
        #expect(copy == bytes, "a packet is as it was after it was judged")
        return forgery
    }

    @Test(arguments: known) func knownDigests(known: Known) {
        var session = Self.session(known.kind, key: known.key)
        session.transmitSequence = known.sequence &- 1
        #expect(Self.sealed(&session) == Self.hex(known.bytes))
        #expect(Self.judge(Self.hex(known.bytes), &session) == nil)
    }

    @Test(arguments: known) func everyBitCounts(known: Known) {
        let bytes = Self.hex(known.bytes)
        for bit in 0..<bytes.count * 8 {
            var session = Self.session(known.kind, key: known.key)
            var broken = bytes
            broken[bit / 8] ^= 1 << UInt8(bit % 8)
            // The length field is judged before the seal.
            if bit / 8 == 3 { continue }
            #expect(Self.judge(broken, &session) != nil, "bit \(bit)")
        }
    }

    @Test func whatDoesNotFit() {
        let kinds: [BFDAuthentication.Kind] = [.keyedMD5, .meticulousMD5, .keyedSHA1, .meticulousSHA1]
        for (kind, other) in zip(kinds, kinds.reversed()) {
            var sender = Self.session(kind)
            let bytes = Self.sealed(&sender)
            var none = Self.session(.none)
            #expect(Self.judge(bytes, &none) == .unwanted)
            var different = Self.session(other)
            #expect(Self.judge(bytes, &different) == .wrongType)
            var wrongIdentifier = Self.session(kind, identifier: 8)
            #expect(Self.judge(bytes, &wrongIdentifier) == .wrongKey)
            var wrongKey = Self.session(kind, key: "martlex")
            #expect(Self.judge(bytes, &wrongKey) == .wrongDigest)
            var same = Self.session(kind)
            var plain = Array(bytes.prefix(24))
            plain[1] &= ~BFDFlags.authenticated.rawValue
            plain[3] = 24
            #expect(Self.judge(plain, &same) == .missing)
            var long = bytes + [0]
            long[3] += 1
            long[25] += 1
            #expect(Self.judge(long, &same) == .wrongLength)
        }
    }

    // MARK: - Sequence numbers

    @Test(arguments: [0, 100, 0x7fff_ffff, 0xffff_fff0, 0xffff_ffff] as [UInt32])
    func windows(start: UInt32) {
        for kind in [BFDAuthentication.Kind.keyedSHA1, .meticulousSHA1] {
            var receiver = Self.session(kind)
            receiver.isReceiveSequenceKnown = true
            receiver.receiveSequence = start
            receiver.lastReceived = Self.now
            receiver.lastDetectionTime = 300_000
            func isIn(_ distance: Int) -> Bool {
                let sequence = UInt32(truncatingIfNeeded: Int(start) + distance)
                return receiver.mayFollow(sequence, multiplier: 5, now: Self.now + 1)
            }
            #expect(isIn(0) == (kind == .keyedSHA1))
            #expect(isIn(1) && isIn(15))
            #expect(!isIn(16) && !isIn(-1) && !isIn(1 << 31))
            // After twice the detection time without packets the peer may have begun anew.
            #expect(!receiver.mayFollow(start &- 1, multiplier: 5, now: Self.now + 599_999))
            #expect(receiver.mayFollow(start &- 1, multiplier: 5, now: Self.now + 600_000))
        }
    }

    @Test func aForgedPacketDoesNotMoveTheWindow() {
        var sender = Self.session(.meticulousSHA1)
        var receiver = Self.session(.meticulousSHA1)
        var forged = Self.sealed(&sender)
        forged[51] ^= 1
        #expect(Self.judge(forged, &receiver) == .wrongDigest)
        #expect(!receiver.isReceiveSequenceKnown)
    }

    @Test func replays() {
        for kind in [BFDAuthentication.Kind.meticulousMD5, .meticulousSHA1] {
            var sender = Self.session(kind)
            var receiver = Self.session(kind)
            let first = Self.sealed(&sender)
            let second = Self.sealed(&sender)
            #expect(first != second)
            #expect(Self.judge(first, &receiver) == nil)
            _ = receiver.receive(Self.packet, now: Self.now)
            #expect(Self.judge(first, &receiver) == .replayed)
            #expect(Self.judge(second, &receiver) == nil)
            #expect(Self.judge(first, &receiver) == .replayed)
        }
    }

    /// Keyed: a number for each new content. Meticulous: a number for each packet.
    @Test func numbersOfPackets() {
        var keyed = Self.session(.keyedSHA1)
        let first = keyed.nextSequence(for: Self.packet)
        var polling = Self.packet
        polling.flags.insert(.poll)
        #expect(keyed.nextSequence(for: polling) == first)
        var other = Self.packet
        other.state = .up
        #expect(keyed.nextSequence(for: other) == first &+ 1)
        var meticulous = Self.session(.meticulousSHA1)
        let number = meticulous.nextSequence(for: Self.packet)
        #expect(meticulous.nextSequence(for: Self.packet) == number &+ 1)
    }

    @Test func keysHaveLengths() {
        #expect(BFDAuthentication(.keyedMD5, keyIdentifier: 0, key: []) == nil)
        #expect(BFDAuthentication(.keyedMD5, keyIdentifier: 0, key: [UInt8](repeating: 1, count: 17)) == nil)
        #expect(BFDAuthentication(.keyedSHA1, keyIdentifier: 0, key: [UInt8](repeating: 1, count: 20)) != nil)
        #expect(BFDAuthentication(.keyedSHA1, keyIdentifier: 0, key: [UInt8](repeating: 1, count: 21)) == nil)
    }
}
