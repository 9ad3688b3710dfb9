// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// RFC 791 section 3.2.
extension IPv4Nodes: FragmentFamily {
    static var family: AddressFamily { .ipv4 }
    static var reassemblyNode: String { "ip4-reassembly" }
    static var localNode: String { IP4Local.name }
    static var refusesOverlap: Bool { false }

    static func read(_ packet: Packet, _ tables: TableReaders) -> FragmentReading {
        guard let header = IPv4View(packet.bytes), header.headerLength >= IPv4View.minimumLength,
            header.headerLength <= packet.length
        else { return .wrong(.truncated) }
        let data = header.payload
        guard data.count > 0, !header.moreFragments || data.count & 7 == 0 else { return .wrong(.badLength) }
        guard header.headerLength &+ header.fragmentOffset &+ data.count <= 0xffff else { return .wrong(.tooLong) }
        let key = DatagramKey(
            place: UInt64(tables.number(for: packet)), sourceLow: UInt64(header.source.value),
            destinationLow: UInt64(header.destination.value),
            identification: UInt64(header.identification) << 8 | UInt64(header.protocol.rawValue))
        return .fragment(
            Fragment(
                key: key, headerLength: header.headerLength, offset: header.fragmentOffset, data: data,
                isLast: !header.moreFragments, ecn: header.ecn))
    }

    static func complete(_ packet: Packet, headerLength: Int, dataLength: Int, isCongested: Bool) {
        packet.truncate(to: headerLength &+ dataLength)
        let bytes = packet.bytes
        if isCongested { bytes.store(bytes.load(at: 1, as: UInt8.self) | 3, at: 1) }
        bytes.storeNetwork(UInt16(truncatingIfNeeded: bytes.count), at: 2)
        // Whatever the flags said: it was cut on its way, and so may be the answer.
        bytes.storeNetwork(0 as UInt16, at: 6)
        bytes.storeNetwork(0 as UInt16, at: 10)
        var sum = InternetChecksum()
        sum.add(bytes.prefix(headerLength))
        bytes.storeNetwork(sum.value, at: 10)
    }

    static func requestReassemblyTimeExceeded(_ packet: Packet) { packet.requestICMPError(.reassemblyTimeExceeded) }
}
