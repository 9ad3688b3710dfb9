// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What all fragments of a datagram have in common, and no other's have while they are under way.
struct DatagramKey: BitwiseCopyable, Equatable, Sendable {
    /// The number of the routing table; in the upper half the interface, where an address is of a link alone.
    var place: UInt64
    var sourceHigh: UInt64 = 0
    var sourceLow: UInt64
    var destinationHigh: UInt64 = 0
    var destinationLow: UInt64
    /// Of IPv4 with the protocol (RFC 791 section 3.2); of IPv6 it stands alone (RFC 8200 section 4.5).
    var identification: UInt64

    /// Who shares one allowance: an IPv4 host, or an IPv6 network of 64 bits, which a single host may have all to itself.
    var sender: UInt64 { sourceHigh == 0 ? sourceLow : sourceHigh }

    /// As good as random in all bits for who does not know the seed.
    func hash(_ seed: UInt64) -> UInt64 {
        var hash = DatagramKey.mix(seed, place)
        hash = DatagramKey.mix(hash &+ sourceHigh, sourceLow ^ seed)
        hash = DatagramKey.mix(hash &+ destinationHigh, destinationLow ^ seed)
        return DatagramKey.mix(hash, identification ^ seed)
    }

    private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = (a ^ 0xa076_1d64_78bd_642f).multipliedFullWidth(by: b ^ 0xe703_7ed1_a0b4_28db)
        return product.high ^ product.low
    }
}

/// One fragment as the packet that carries it has it.
struct Fragment: BitwiseCopyable {
    var key: DatagramKey
    /// Bytes in front of the data, IPv6's fragment header included.
    var headerLength: Int
    /// Where the data belongs in the datagram's, bytes: a multiple of 8.
    var offset: Int
    /// Never empty; a multiple of 8 unless it is the last.
    var data: Bytes
    var isLast: Bool
    /// 0 to 3.
    var ecn: UInt8

    /// Where the data ends in the datagram's, bytes.
    var end: Int { offset &+ data.count }
}

/// What became of reading a packet as a fragment.
enum FragmentReading {
    case fragment(Fragment)
    case wrong(FragmentDrop)
    /// The sender is to be told: an ICMP error was requested.
    case told
}

/// Why `ip4-reassembly` and `ip6-reassembly` drop a fragment, or all that they have of a datagram.
enum FragmentDrop: UInt16, DropReason {
    case truncated, badLength, tooLong, headersTooLong, datagramTooLong, duplicate, overlap, inconsistentEnd
    case timedOut, tooMany, tooManyFromSource, noBuffer, queueFull

    var text: String {
        switch self {
        case .truncated: "the packet is shorter than its headers"
        case .badLength: "a fragment without data, or not the last and its data no multiple of 8 bytes"
        case .tooLong: "the datagram would be longer than 65,535 bytes"
        case .headersTooLong: "the headers in front of the fragment are longer than 128 bytes"
        case .datagramTooLong: "the datagram does not fit into one buffer; raise `buffers: size`"
        case .duplicate: "the fragment was here already"
        case .overlap: "IPv6 fragments overlap: nothing of their datagram is used"
        case .inconsistentEnd: "the fragments do not agree where their datagram ends"
        case .timedOut: "fragments did not come in time, the first among them"
        case .tooMany: "the oldest of too many unfinished datagrams"
        case .tooManyFromSource: "the oldest of too many unfinished datagrams from one source"
        case .noBuffer: "no free buffer for a datagram"
        case .queueFull: "the worker that has the datagram is too slow for the fragments handed to it"
        }
    }
}

/// What `ip4-reassembly` and `ip6-reassembly` have of their own.
protocol FragmentFamily: NodeFamily {
    static var family: AddressFamily { get }
    static var reassemblyNode: String { get }
    static var localNode: String { get }
    /// IPv6: a datagram whose fragments overlap is discarded (RFC 5722). IPv4: what comes later takes the place of what
    /// came before (RFC 791 section 3.2).
    static var refusesOverlap: Bool { get }

    /// The fragment at the current position.
    static func read(_ packet: Packet, _ tables: TableReaders) -> FragmentReading

    /// Makes a whole packet of the first fragment's headers, at the current position, and the data that is now behind them.
    static func complete(_ packet: Packet, headerLength: Int, dataLength: Int, isCongested: Bool)

    /// Asks that the sender be told that fragments are missing; the first one is at the current position.
    static func requestReassemblyTimeExceeded(_ packet: Packet)
}
