// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Looks up an address of each packet of a frame, all of a frame's table accesses in flight together.
///
/// It holds the memory that this takes: a node keeps it for all its frames.
struct IPv6FrameLookup {
    let tables: TableReaders
    private var addresses = InlineArray<256, IPv6Address>(repeating: .any)
    private var results = InlineArray<256, UInt32>(repeating: 0)
    private var scratch = IPv6LookupTable.Reader.Scratch()

    init(tables: TableReaders) {
        precondition(Frame.capacity == 256, "room for the packets of a frame")
        self.tables = tables
    }

    /// - Parameters:
    ///   - offset: Where the address stands in each packet, bytes from the IPv6 header's start.
    ///   - body: Gets what was looked up, addresses of one link as those of the packet's interface, and what was found,
    ///     in the packets' order.
    @inline(__always)
    mutating func lookUp(
        _ frame: Frame, _ context: Context, at offset: Int,
        _ body: (_ addresses: UnsafePointer<IPv6Address>, _ results: UnsafePointer<UInt32>) -> Void
    ) {
        let tables = tables
        withUnsafeMutablePointer(to: &addresses) { addresses in
            withUnsafeMutablePointer(to: &results) { results in
                let addresses = UnsafeMutableRawPointer(addresses).assumingMemoryBound(to: IPv6Address.self)
                let results = UnsafeMutableRawPointer(results).assumingMemoryBound(to: UInt32.self)
                var first: UInt32 = 0
                var others: UInt32 = 0
                for position in 0..<frame.count {
                    let packet = context.packet(frame[position])
                    let table = tables.number(for: packet)
                    if position == 0 { first = table }
                    others |= table ^ first
                    addresses[position] = IPv6Address(packet.bytes, at: offset)
                        .asLookedUp(from: packet.header.rxInterface)
                }
                if others == 0 {
                    tables[first].ip6.lookup(addresses, count: frame.count, into: results, &scratch)
                } else {
                    IPv6FrameLookup.lookUpEach(frame, context, tables, addresses, results)
                }
                body(addresses, results)
            }
        }
    }

    /// For a frame with packets of several tables.
    @inline(never)
    private static func lookUpEach(
        _ frame: Frame, _ context: Context, _ tables: TableReaders, _ addresses: UnsafePointer<IPv6Address>,
        _ results: UnsafeMutablePointer<UInt32>
    ) {
        for position in 0..<frame.count {
            let table = tables.number(for: context.packet(frame[position]))
            results[position] = tables.lookUp(addresses[position], in: table).rawValue
        }
    }
}
