// SPDX-License-Identifier: Apache-2.0
import Crypto
import Wire

/// Why a packet's authentication is not accepted (RFC 5880 sections 6.7.3, 6.7.4 and 6.8.6).
enum BFDForgery {
    case unwanted, missing, wrongType, wrongKey, wrongLength, replayed, wrongDigest
}

// Digests: MD5 or SHA1 over the packet with the key, padded with zeros, in the digest's place. This is not HMAC.
extension BFDSession {
    /// Bytes of a control packet.
    var packetLength: Int { BFDView.minimumLength + parameters.authentication.kind.sectionLength }

    /// Writes a control packet, sealed if the session is authenticated, into a window of `packetLength` bytes.
    mutating func emit(_ packet: BFDPacket, into bytes: Bytes) {
        packet.emit(into: bytes)
        let authentication = parameters.authentication
        guard authentication.kind != .none else { return }
        let section = bytes.dropping(first: BFDView.minimumLength)
        section.store(authentication.kind.rawValue, at: 0)
        section.store(UInt8(authentication.kind.sectionLength), at: 1)
        section.store(authentication.keyIdentifier, at: 2)
        section.store(0 as UInt8, at: 3)
        section.storeNetwork(nextSequence(for: packet), at: 4)
        let digest = section.dropping(first: 8)
        authentication.placeKey(in: digest)
        authentication.digest(of: bytes) { BFDSession.copy($0, to: digest) }
    }

    /// Judges a packet's authentication, whose length was checked against the window; nil: genuine, or none wanted and none there.
    mutating func judge(_ view: BFDView, now: UInt64) -> BFDForgery? {
        let authentication = parameters.authentication
        let isThere = view.flags.contains(.authenticated)
        guard authentication.kind != .none else { return isThere ? .unwanted : nil }
        guard isThere else { return .missing }
        guard let section = view.authentication else { return .wrongLength }
        guard section.type == authentication.kind.rawValue else { return .wrongType }
        guard section.keyIdentifier == authentication.keyIdentifier else { return .wrongKey }
        guard section.length == authentication.kind.sectionLength,
            view.length == BFDView.minimumLength + section.length
        else { return .wrongLength }
        guard mayFollow(section.sequence, multiplier: view.multiplier, now: now) else { return .replayed }
        guard authentication.matches(section.digest, in: view.bytes.prefix(view.length)) else { return .wrongDigest }
        follow(section.sequence)
        return nil
    }

    private static func copy(_ digest: UnsafeRawBufferPointer, to place: Bytes) {
        place.start.copyMemory(from: digest.baseAddress!, byteCount: min(digest.count, place.count))
    }
}

extension BFDAuthentication {
    /// Puts the padded key where the digest belongs.
    fileprivate func placeKey(in place: Bytes) {
        withUnsafeBytes(of: key) { place.start.copyMemory(from: $0.baseAddress!, byteCount: kind.digestLength) }
    }

    fileprivate func digest(of packet: Bytes, _ body: (UnsafeRawBufferPointer) -> Void) {
        let window = UnsafeRawBufferPointer(start: packet.start, count: packet.count)
        switch kind {
        case .none: break
        case .keyedMD5, .meticulousMD5:
            var hash = Insecure.MD5()
            hash.update(bufferPointer: window)
            hash.finalize().withUnsafeBytes(body)
        case .keyedSHA1, .meticulousSHA1:
            var hash = Insecure.SHA1()
            hash.update(bufferPointer: window)
            hash.finalize().withUnsafeBytes(body)
        }
    }

    /// Whether the digest in a packet is the right one. The packet is as it came when this returns.
    fileprivate func matches(_ place: Bytes, in packet: Bytes) -> Bool {
        var received = (UInt64(0), UInt64(0), UInt64(0))
        return withUnsafeMutableBytes(of: &received) { received in
            received.baseAddress!.copyMemory(from: place.start, byteCount: kind.digestLength)
            placeKey(in: place)
            var difference: UInt8 = 0
            digest(of: packet) { right in
                // Every byte is looked at: the time tells nothing about where they differ.
                for position in 0..<kind.digestLength { difference |= right[position] ^ received[position] }
            }
            place.start.copyMemory(from: received.baseAddress!, byteCount: kind.digestLength)
            return difference == 0
        }
    }
}
