// SPDX-License-Identifier: Apache-2.0
import Wire

// What is done to IPv6 packets. Each frame has the 54 bytes of both headers.
extension PacketMutator {
    private static let link = EthernetView.length

    static func isIPv6(_ frame: UnsafeMutableRawPointer, _ count: Int) -> Bool {
        count >= link + IPv6View.length && frame.loadUnaligned(fromByteOffset: 12, as: UInt16.self) == 0xdd86
    }

    static func readdress6(_ frame: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) {
        let known = PacketSeeds.destinations6
        let view = view(frame, count)
        var destination = known[random.below(known.count)]
        destination.low ^= random.next() & 3
        view?.destination = destination
        if random.once(in: 4) { view?.source = known[random.below(known.count)] }
        if random.once(in: 8) { view?.hopLimit = UInt8(random.below(4)) }
        mend6(frame, count)
    }

    /// Lengths that are not so: of the packet, the datagram, an extension header or an option.
    static func lie6(_ frame: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) {
        let near = count - link - IPv6View.length + random.below(9) - 4
        let length = random.once(in: 2) ? near : Int(truncatingIfNeeded: random.next() & 0xffff)
        guard let view = view(frame, count) else { return }
        if random.once(in: 2) || count < link + IPv6View.length + 8 {
            view.payloadLength = length
        } else {
            // The second byte of a header, or of one of the first options.
            let place = IPv6View.length + 1 + random.below(4) * 8
            if place < view.bytes.count { view.bytes.store(UInt8(truncatingIfNeeded: length), at: place) }
        }
        mend6(frame, count)
    }

    /// Puts an extension header, half of it noise perhaps, behind the IPv6 header.
    static func insertHeader(_ frame: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) -> Int {
        let kinds: [IPProtocol] = [.hopByHop, .destinationOptions, .routing, .fragment, .ah, .hip]
        guard let view = view(frame, count) else { return count }
        let kind = kinds[random.below(kinds.count)]
        let size = kind == .fragment ? 8 : 8 * (1 + random.below(4))
        let place = frame + link + IPv6View.length
        (place + size).copyMemory(from: place, byteCount: count - link - IPv6View.length)
        for offset in 0..<size {
            place.storeBytes(of: UInt8(truncatingIfNeeded: random.next()), toByteOffset: offset, as: UInt8.self)
        }
        let header = Bytes(start: place, count: size)
        header.store(view.nextHeader.rawValue, at: 0)
        header.store(UInt8(kind == .ah ? size / 4 - 2 : size / 8 - 1), at: 1)
        if kind != .fragment, random.once(in: 2) {
            header.store(1 as UInt8, at: 2)
            header.store(UInt8(size - 4), at: 3)
        }
        if kind == .fragment, random.once(in: 2) { header.storeNetwork(1 as UInt16, at: 2) }
        view.nextHeader = kind
        view.payloadLength += size
        mend6(frame, count + size)
        return count + size
    }

    /// Makes the upper layer's checksum right, as far as there is one.
    static func mend6(_ frame: UnsafeMutableRawPointer, _ count: Int) {
        guard let view = view(frame, count) else { return }
        let upper = view.upperLayer
        guard upper.problem == nil, !upper.isLaterFragment else { return }
        let place: Int
        switch upper.protocol {
        case .icmp6: place = 2
        case .udp: place = 6
        case .tcp: place = 16
        default: return
        }
        let payload = upper.payload
        guard payload.count >= place + 2 else { return }
        payload.storeNetwork(0 as UInt16, at: place)
        var sum = InternetChecksum()
        sum.addPseudoHeader(
            source: view.source, destination: view.destination, protocol: upper.protocol, length: payload.count)
        sum.add(payload)
        payload.storeNetwork(sum.value, at: place)
    }

    private static func view(_ frame: UnsafeMutableRawPointer, _ count: Int) -> IPv6View? {
        IPv6View(Bytes(start: frame + link, count: max(0, count - link)))
    }
}
