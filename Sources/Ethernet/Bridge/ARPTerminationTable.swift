// SPDX-License-Identifier: Apache-2.0
import Wire

/// The IPv4 addresses of a domain for which the bridge answers ARP requests: sorted, and looked through by halves.
///
/// Written once, then published; freed when workers have let go of it.
struct ARPTerminationTable: @unchecked Sendable, BitwiseCopyable {
    private struct Entry: BitwiseCopyable {
        let address: UInt32
        let mac: UInt64
    }

    private let entries: UnsafeMutablePointer<Entry>
    let count: Int

    init(_ stations: [IPv4Address: MACAddress]) {
        let sorted = stations.sorted { $0.key.value < $1.key.value }
        entries = .allocate(capacity: max(1, sorted.count))
        count = sorted.count
        for (position, pair) in sorted.enumerated() {
            (entries + position).initialize(to: Entry(address: pair.key.value, mac: pair.value.littleEndianValue))
        }
    }

    func deallocate() { entries.deallocate() }

    /// The station that has an address; nil when that is not known.
    subscript(address: IPv4Address) -> MACAddress? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low &+ high) &>> 1
            if entries[middle].address < address.value { low = middle &+ 1 } else { high = middle }
        }
        guard low < count, entries[low].address == address.value else { return nil }
        return MACAddress(littleEndian: entries[low].mac)
    }
}
