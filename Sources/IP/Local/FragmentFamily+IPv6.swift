// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// RFC 8200 section 4.5.
extension IPv6Nodes: FragmentFamily {
    static var family: AddressFamily { .ipv6 }
    static var reassemblyNode: String { "ip6-reassembly" }
    static var localNode: String { IP6Local.name }
    static var refusesOverlap: Bool { true }

    static func read(_ packet: Packet, _ tables: TableReaders) -> FragmentReading {
        guard let header = IPv6View(packet.bytes), let (extensionHeader, data) = fragment(in: header) else {
            return .wrong(.truncated)
        }
        let fragment = extensionHeader.fragment
        guard data.count > 0 else { return .wrong(.badLength) }
        guard !fragment.moreFragments || data.count & 7 == 0 else {
            packet.requestICMPv6Error(.badFragment, parameter: 4)
            return .told
        }
        let headerLength = extensionHeader.offset &+ IPv6Fragment.length
        guard extensionHeader.offset &- IPv6View.length &+ fragment.offset &+ data.count <= 0xffff else {
            let pointer = extensionHeader.offset &+ 2
            packet.requestICMPv6Error(.badFragment, parameter: UInt32(truncatingIfNeeded: pointer))
            return .told
        }
        guard headerLength <= HeldDatagram.longestHeaders else { return .wrong(.headersTooLong) }
        let isOfLink = header.source.isLinkLocal || header.destination.isLinkLocal || header.destination.isMulticast
        let interface = isOfLink ? UInt64(packet.header.rxInterface) : 0
        let key = DatagramKey(
            place: interface << 32 | UInt64(tables.number(for: packet)), sourceHigh: header.source.high,
            sourceLow: header.source.low, destinationHigh: header.destination.high,
            destinationLow: header.destination.low, identification: UInt64(fragment.identification))
        return .fragment(
            Fragment(
                key: key, headerLength: headerLength, offset: fragment.offset, data: data,
                isLast: !fragment.moreFragments, ecn: header.ecn))
    }

    /// The fragment header goes, and what named it names what it named.
    static func complete(_ packet: Packet, headerLength: Int, dataLength: Int, isCongested: Bool) {
        packet.truncate(to: headerLength &+ dataLength)
        guard let view = IPv6View(packet.bytes), let (extensionHeader, _) = fragment(in: view) else { return }
        view.bytes.store(extensionHeader.next.rawValue, at: extensionHeader.pointer)
        let start = packet.header.start
        let moved = packet.header.data + extensionHeader.offset - start
        (start + IPv6Fragment.length).copyMemory(from: start, byteCount: moved)
        packet.header.start += IPv6Fragment.length
        packet.advance(IPv6Fragment.length)
        guard let header = IPv6View(packet.bytes) else { return }
        header.payloadLength = packet.length &- IPv6View.length
        if isCongested { header.trafficClass |= 3 }
    }

    static func requestReassemblyTimeExceeded(_ packet: Packet) { packet.requestICMPv6Error(.reassemblyTimeExceeded) }

    /// The first fragment header, and the data behind it.
    private static func fragment(in header: IPv6View) -> (IPv6ExtensionHeader, Bytes)? {
        var headers = IPv6Extensions(header)
        while let extensionHeader = headers.next() {
            if extensionHeader.kind == .fragment { return (extensionHeader, headers.payload) }
        }
        return nil
    }
}
