// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Cuts the router's own packets that are too long for the next link into fragments. Those of others are never cut on
/// their way.
///
/// Summary: each fragment is a packet of its own, which goes back to the node that asked for it.
/// Expects: a packet of the router's own at its IPv6 header, and a request (`Packet.requestFragments6`).
/// Emits: fragments that fit the MTU, in order, each with the headers that every router looks at and a fragment header.
/// Drops: `truncated`, `isFragment`, `mtuTooSmall`, `noBuffer`.
/// Spec: RFC 8200 section 4.5; RFC 7739 for the identification.
public struct IP6Fragment: ContextualNode {
    public static let name = "ip6-fragment"

    public enum Next: UInt16, NextNode {
        case rewrite, path

        public var node: String {
            switch self {
            case .rewrite: IP6Rewrite.name
            case .path: IP6Path.name
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, isFragment, mtuTooSmall, noBuffer

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than its headers"
            case .isFragment: "a fragment of the router's own is too long for the next link"
            case .mtuTooSmall: "the interface's MTU leaves no room for data behind the headers"
            case .noBuffer: "no free buffer for a fragment"
            }
        }
    }

    public struct Trace: TraceRecord {
        var length: UInt32 = 0
        var mtu: UInt32 = 0
        var count: UInt16 = 0

        public init() {}

        public var description: String { "\(length) bytes in \(count) fragments for MTU \(mtu)" }
    }

    /// All workers have the same; so no two of them give the same identification.
    private let key: UInt32
    private let step: UInt32
    private var counter: UInt32

    /// - Parameter key: A random number, the same for all workers.
    init(_ seat: Seat, key: UInt32) {
        self.key = key
        counter = UInt32(seat.worker)
        step = UInt32(seat.workerCount)
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        guard let header = IPv6View(packet.bytes), header.totalLength <= packet.length else { return .drop(.truncated) }
        let (next, mtu) = packet.requestedFragments6
        trace.length = packet.header.length
        trace.mtu = UInt32(truncatingIfNeeded: mtu)
        // In front of the fragment header stands what routers on the way look at.
        var walk = IPv6Extensions(header)
        while walk.protocol == .hopByHop || walk.protocol == .routing, walk.next() != nil {}
        guard walk.problem == nil else { return .drop(.truncated) }
        guard walk.protocol != .fragment else { return .drop(.isFragment) }
        // All but the last carry a multiple of eight bytes.
        let most = (mtu - walk.offset - IPv6Fragment.length) & ~7
        guard most >= 8 else { return .drop(.mtuTooSmall) }
        var fragment = IPv6Fragment(
            next: walk.protocol, units: 0, moreFragments: true, identification: takeIdentification())
        let data = walk.payload
        while fragment.offset < data.count {
            let piece = data.dropping(first: fragment.offset).prefix(most)
            fragment.moreFragments = fragment.offset + piece.count < data.count
            guard let part = context.allocate() else { return .drop(.noBuffer) }
            IP6Fragment.write(fragment, piece, of: packet, walk, into: part)
            context.start(part, on: next)
            trace.count &+= 1
            fragment.units &+= UInt16(truncatingIfNeeded: (piece.count + 7) / 8)
        }
        context.free(packet)
        return .kept
    }

    private static func write(
        _ fragment: IPv6Fragment, _ data: Bytes, of packet: Packet, _ walk: IPv6Extensions, into part: Packet
    ) {
        let headers = walk.offset + IPv6Fragment.length
        part.truncate(to: headers + data.count)
        let bytes = part.bytes
        bytes.start.copyMemory(from: packet.header.data, byteCount: walk.offset)
        bytes.store(IPProtocol.fragment.rawValue, at: walk.pointer)
        fragment.emit(into: bytes.dropping(first: walk.offset))
        (bytes.start + headers).copyMemory(from: data.start, byteCount: data.count)
        IPv6View(bytes)?.payloadLength = bytes.count - IPv6View.length
        part.header.flags = packet.header.flags.subtracting(.traced)
        part.header.rxInterface = packet.header.rxInterface
        part.header.txInterface = packet.header.txInterface
        part.header.adjacency = packet.header.adjacency
        part.header.flowHash = packet.header.flowHash
    }

    /// Not to be foretold by who has seen others, and not the same again before all have been used: a permutation of the
    /// numbers from 0 on (the finaliser of MurmurHash3).
    private mutating func takeIdentification() -> UInt32 {
        var number = counter ^ key
        counter &+= step
        number = (number ^ number >> 16) &* 0x85eb_ca6b
        number = (number ^ number >> 13) &* 0xc2b2_ae35
        return (number ^ number >> 16) &+ key
    }
}

extension Packet {
    /// What a node that decides for the arc to `ip6-fragment` leaves in the packet's scratch space.
    /// - Parameters:
    ///   - next: Back to that node, with the packet's adjacency.
    ///   - mtu: Bytes that a fragment has at most, its headers included.
    @inline(__always)
    func requestFragments6(_ next: IP6Fragment.Next, mtu: UInt32) {
        header.scratch.0 = UInt64(next.rawValue) << 32 | UInt64(mtu)
    }

    fileprivate var requestedFragments6: (next: IP6Fragment.Next, mtu: Int) {
        let mtu = Int(UInt32(truncatingIfNeeded: header.scratch.0))
        return (header.scratch.0 >> 32 == 0 ? .rewrite : .path, mtu)
    }
}
