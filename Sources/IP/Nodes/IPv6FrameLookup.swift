// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Looks up an address of each packet of a frame, all of a frame's table accesses in flight together.
struct IPv6FrameLookup: BitwiseCopyable, Sendable {
    let tables: TableReaders

    /// - Parameters:
    ///   - offset: Where the address stands in each packet, bytes from the IPv6 header's start.
    ///   - addresses: Filled with what was looked up: addresses of one link as those of the packet's interface.
    @inline(__always)
    func lookUp(
        _ frame: Frame, _ context: Context, at offset: Int, _ addresses: UnsafeMutablePointer<IPv6Address>,
        into results: UnsafeMutablePointer<UInt32>
    ) {
        let count = frame.count
        let table = tables.number(for: context.packet(frame[0]))
        var others: UInt32 = 0
        for position in 0..<count {
            let packet = context.packet(frame[position])
            others |= tables.number(for: packet) ^ table
            addresses[position] = IPv6Address(packet.bytes, at: offset).asLookedUp(from: packet.header.rxInterface)
        }
        if others == 0 {
            tables[table].ip6.lookup(addresses, count: count, into: results)
        } else {
            lookUpEach(frame, context, addresses, results)
        }
    }

    /// For a frame with packets of several tables.
    @inline(never)
    private func lookUpEach(
        _ frame: Frame, _ context: Context, _ addresses: UnsafePointer<IPv6Address>,
        _ results: UnsafeMutablePointer<UInt32>
    ) {
        for position in 0..<frame.count {
            let table = tables.number(for: context.packet(frame[position]))
            results[position] = lookUp(addresses[position], in: table).rawValue
        }
    }

    @inline(__always)
    func lookUp(_ address: IPv6Address, in table: UInt32) -> Forwarding {
        Forwarding(rawValue: tables[table].ip6.lookup(high: address.high, low: address.low))
    }
}
