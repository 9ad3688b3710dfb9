// SPDX-License-Identifier: Apache-2.0
import Wire

/// Makes hostile packets out of right ones, some tens of millions a second.
///
/// Half of them have a right checksum: others would not come further than `ip4-input`.
struct PacketMutator: @unchecked Sendable {
    /// All seeds one behind the other.
    private let bytes: UnsafeMutableRawBufferPointer
    private let seeds: [(offset: Int, count: Int)]
    private static let etherTypes: [UInt16] = [
        0x0800, 0x0806, 0x8100, 0x88a8, 0x86dd, 0x8847, 0x0026, 0xffff,
    ]
    private static let edges: [UInt8] = [
        0, 1, 4, 5, 6, 0x0f, 0x14, 0x3f, 0x40, 0x45, 0x46, 0x4f, 0x7f, 0x80, 0xc0, 0xff,
    ]

    private static let link = 14
    private static let header = 20

    /// Lives as long as the program.
    init(_ frames: [[UInt8]] = PacketSeeds.frames) {
        bytes = .allocate(byteCount: frames.reduce(0) { $0 + $1.count }, alignment: 64)
        var seeds: [(Int, Int)] = []
        var offset = 0
        for frame in frames {
            UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + frame.count]).copyBytes(from: frame)
            seeds.append((offset, frame.count))
            offset += frame.count
        }
        self.seeds = seeds
    }

    /// Writes a packet into `frame` and returns its length, 0 to `capacity`, which is 1,600 at least.
    func make(into frame: UnsafeMutableRawPointer, capacity: Int, _ random: inout FuzzRandom) -> Int {
        let seed = seeds[random.below(seeds.count)]
        frame.copyMemory(from: bytes.baseAddress! + seed.offset, byteCount: seed.count)
        var count = seed.count
        let choice = random.next()
        switch choice & 15 {
        case 0, 1: readdress(frame, count, &random)
        case 2: flip(frame, count, &random)
        case 3, 4:
            flip(frame, min(count, 60), &random)
            mend(frame, count)
        case 5: count = random.below(count + 1)
        case 6, 7: lie(frame, count, &random)
        case 8:
            edge(frame, count, &random)
            if choice & 0x100 != 0 { mend(frame, count) }
        case 9: scramble(frame, count, &random)
        case 10: count = append(frame, count, capacity, &random)
        case 11: retype(frame, count, &random)
        case 12: count = insertOptions(frame, count, &random)
        case 13: refragment(frame, count, &random)
        case 14:
            count = random.below(choice & 0x100 == 0 ? 128 : capacity + 1)
            fill(frame, count, &random)
        default: break
        }
        return count
    }

    // MARK: - What is done to a packet

    private func readdress(_ frame: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) {
        if PacketMutator.isIPv6(frame, count) { return PacketMutator.readdress6(frame, count, &random) }
        guard count >= 34 else { return }
        let known = PacketSeeds.destinations
        let destination = known[random.below(known.count)].value ^ UInt32(truncatingIfNeeded: random.next() & 3)
        frame.storeBytes(of: destination.bigEndian, toByteOffset: 30, as: UInt32.self)
        if random.once(in: 4) {
            let source = known[random.below(known.count)].value &+ UInt32(truncatingIfNeeded: random.next() & 0xff)
            frame.storeBytes(of: source.bigEndian, toByteOffset: 26, as: UInt32.self)
        }
        if random.once(in: 8) { frame.storeBytes(of: UInt8(random.below(4)), toByteOffset: 22, as: UInt8.self) }
        mend(frame, count)
    }

    private func flip(_ frame: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) {
        guard count > 0 else { return }
        for _ in 0...random.below(4) {
            let place = random.below(count)
            let old = frame.load(fromByteOffset: place, as: UInt8.self)
            frame.storeBytes(of: old ^ 1 << UInt8(random.below(8)), toByteOffset: place, as: UInt8.self)
        }
    }

    /// Lengths that are not so: of the header, the packet, the datagram.
    private func lie(_ frame: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) {
        if PacketMutator.isIPv6(frame, count) { return PacketMutator.lie6(frame, count, &random) }
        guard count >= 42 else { return }
        let near = UInt16(truncatingIfNeeded: count - 14 + random.below(9) - 4)
        let length = random.once(in: 2) ? near : UInt16(truncatingIfNeeded: random.next())
        switch random.below(3) {
        case 0: frame.storeBytes(of: length.bigEndian, toByteOffset: 16, as: UInt16.self)
        case 1: frame.storeBytes(of: 0x40 | UInt8(random.below(16)), toByteOffset: 14, as: UInt8.self)
        default: frame.storeBytes(of: (length &- 20).bigEndian, toByteOffset: 38, as: UInt16.self)
        }
        mend(frame, count)
    }

    private func edge(_ frame: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) {
        guard count > 0 else { return }
        for _ in 0...random.below(3) {
            let value = PacketMutator.edges[random.below(PacketMutator.edges.count)]
            frame.storeBytes(of: value, toByteOffset: random.below(min(count, 64)), as: UInt8.self)
        }
    }

    /// All behind some byte is noise.
    private func scramble(_ frame: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) {
        let start = random.below(count + 1)
        fill(frame + start, min(count - start, 64), &random)
        if random.once(in: 2) { mend(frame, count) }
    }

    private func append(
        _ frame: UnsafeMutableRawPointer, _ count: Int, _ capacity: Int, _ random: inout FuzzRandom
    ) -> Int {
        let more = random.below(random.once(in: 8) ? capacity - count + 1 : min(64, capacity - count + 1))
        fill(frame + count, more, &random)
        return count + more
    }

    private func retype(_ frame: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) {
        guard count >= 14 else { return }
        let type = PacketMutator.etherTypes[random.below(PacketMutator.etherTypes.count)]
        frame.storeBytes(of: type.bigEndian, toByteOffset: 12, as: UInt16.self)
    }

    /// Puts up to 40 bytes of options, half of them noise, between header and data.
    private func insertOptions(_ frame: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) -> Int {
        if PacketMutator.isIPv6(frame, count) { return PacketMutator.insertHeader(frame, count, &random) }
        guard count >= 34, frame.load(fromByteOffset: 14, as: UInt8.self) == 0x45 else { return count }
        let words = 1 + random.below(10)
        let options = frame + 34
        (options + words * 4).copyMemory(from: options, byteCount: count - 34)
        if random.once(in: 2) {
            fill(options, words * 4, &random)
        } else {
            // Kinds and lengths that make sense, but for the last perhaps.
            var place = 0
            while place + 2 <= words * 4 {
                let length = 2 + random.below(8)
                options.storeBytes(of: UInt8(truncatingIfNeeded: random.next()), toByteOffset: place, as: UInt8.self)
                options.storeBytes(of: UInt8(length), toByteOffset: place + 1, as: UInt8.self)
                place += length
            }
        }
        frame.storeBytes(of: 0x45 + UInt8(words), toByteOffset: 14, as: UInt8.self)
        let length = UInt16(bigEndian: frame.loadUnaligned(fromByteOffset: 16, as: UInt16.self)) &+ UInt16(words * 4)
        frame.storeBytes(of: length.bigEndian, toByteOffset: 16, as: UInt16.self)
        mend(frame, count + words * 4)
        return count + words * 4
    }

    private func refragment(_ frame: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) {
        guard count >= 34 else { return }
        frame.storeBytes(of: UInt16(truncatingIfNeeded: random.next()), toByteOffset: 20, as: UInt16.self)
        mend(frame, count)
    }

    // MARK: - Bytes

    private func fill(_ start: UnsafeMutableRawPointer, _ count: Int, _ random: inout FuzzRandom) {
        var place = 0
        while place + 8 <= count {
            start.storeBytes(of: random.next(), toByteOffset: place, as: UInt64.self)
            place += 8
        }
        while place < count {
            start.storeBytes(of: UInt8(truncatingIfNeeded: random.next()), toByteOffset: place, as: UInt8.self)
            place += 1
        }
    }

    /// Makes the IPv4 header's checksum right, of IPv6 the upper layer's, as far as it is there.
    private func mend(_ frame: UnsafeMutableRawPointer, _ count: Int) {
        if PacketMutator.isIPv6(frame, count) { return PacketMutator.mend6(frame, count) }
        guard count >= 34 else { return }
        let length = min(max(Int(frame.load(fromByteOffset: 14, as: UInt8.self) & 15) * 4, 20), count - 14)
        frame.storeBytes(of: 0, toByteOffset: 24, as: UInt16.self)
        var sum = InternetChecksum()
        sum.add(Bytes(start: frame + 14, count: length))
        frame.storeBytes(of: sum.value.bigEndian, toByteOffset: 24, as: UInt16.self)
    }
}
