// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Cuts packets that are too long for the next link, and may be cut, into fragments.
///
/// Summary: each fragment is a packet of its own, which goes back to the node that asked for it. Below a label stack each gets the
/// whole stack.
/// Expects: an IPv4 header without the don't-fragment flag at the current position, and a request
/// (`Packet.requestFragments`), with the label stack, if any, right in front.
/// Emits: fragments that fit the MTU, in order.
/// Drops: `truncated`, `mtuTooSmall`, `tooLong`, `noBuffer`.
/// Spec: RFC 791 section 3.2; RFC 1812 section 4.2.2.7; RFC 3032 section 3.4.
public struct IP4Fragment: ContextualNode {
    public static let name = "ip4-fragment"

    public enum Next: UInt16, NextNode {
        case rewrite, path, labelled

        public var node: String {
            switch self {
            case .rewrite: "ip4-rewrite"
            case .path: "ip4-path"
            case .labelled: "mpls-rewrite"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, mtuTooSmall, tooLong, noBuffer

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than its IPv4 header"
            case .mtuTooSmall: "the interface's MTU leaves no room for data behind the header"
            case .tooLong: "the last fragment would end beyond 65,535 bytes"
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

    /// Where a fragment's piece of the data lies.
    private struct Piece {
        let offset: Int
        let count: Int
        let isLast: Bool
    }

    public init() {}

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        guard let header = IPv4View(packet.bytes), header.headerLength >= IPv4View.minimumLength,
            header.headerLength <= packet.length
        else { return .drop(.truncated) }
        let (next, mtu, stackLength) = packet.requestedFragments
        trace.length = packet.header.length
        trace.mtu = UInt32(truncatingIfNeeded: mtu)
        // All but the last carry a multiple of eight bytes.
        let most = (mtu - header.headerLength) & ~7
        guard most >= 8 else { return .drop(.mtuTooSmall) }
        let data = packet.length - header.headerLength
        guard header.fragmentOffset + data <= 0xffff else { return .drop(.tooLong) }
        var offset = 0
        while offset < data {
            let count = min(most, data - offset)
            let piece = Piece(offset: offset, count: count, isLast: offset + count == data)
            guard let fragment = context.allocate() else { return .drop(.noBuffer) }
            write(piece, of: packet, header, into: fragment)
            IP4Fragment.putStack(stackLength, of: packet, onto: fragment)
            context.start(fragment, on: next)
            trace.count &+= 1
            offset += count
        }
        context.free(packet)
        return .kept
    }

    /// Copies what stands in front of the packet to where it belongs in front of the fragment.
    private static func putStack(_ length: Int, of packet: Packet, onto fragment: Packet) {
        guard length > 0 else { return }
        fragment.rewind(length).start.copyMemory(from: packet.bytes.start - length, byteCount: length)
    }

    private func write(_ piece: Piece, of packet: Packet, _ header: IPv4View, into fragment: Packet) {
        let headerLength = header.headerLength
        fragment.truncate(to: headerLength + piece.count)
        let bytes = fragment.bytes
        bytes.start.copyMemory(from: header.bytes.start, byteCount: headerLength)
        let data = header.bytes.start + headerLength + piece.offset
        (bytes.start + headerLength).copyMemory(from: data, byteCount: piece.count)
        if piece.offset > 0 { IP4Fragment.blankOptionsOfFirst(bytes.prefix(headerLength)) }
        let units = UInt16(truncatingIfNeeded: (header.fragmentOffset + piece.offset) / 8)
        // A fragment's last fragment is only the datagram's last if the fragment was.
        let more: UInt16 = piece.isLast && !header.moreFragments ? 0 : 0x2000
        bytes.storeNetwork(UInt16(truncatingIfNeeded: bytes.count), at: 2)
        bytes.storeNetwork(header.fragmentField & 0x8000 | more | units, at: 6)
        IPv4View(bytes)?.computeChecksum()
        fragment.header.flags = packet.header.flags.subtracting(.traced)
        fragment.header.rxInterface = packet.header.rxInterface
        fragment.header.txInterface = packet.header.txInterface
        fragment.header.adjacency = packet.header.adjacency
        fragment.header.flowHash = packet.header.flowHash
    }

    /// Later fragments carry only the options whose copied flag is set (RFC 791 section 3.1); the others become
    /// no-operations, so that the header keeps its length. Malformed ones have not come this far.
    private static func blankOptionsOfFirst(_ header: Bytes) {
        let copiedFlag: UInt8 = 0x80
        var offset = IPv4View.minimumLength
        while offset < header.count {
            let kind = header.load(at: offset, as: UInt8.self)
            if kind == 0 { return }
            var length = 1
            if kind != 1, offset + 1 < header.count { length = Int(header.load(at: offset + 1, as: UInt8.self)) }
            guard length > 0, offset + length <= header.count else { return }
            if kind & copiedFlag == 0 {
                for place in offset..<offset + length { header.store(1 as UInt8, at: place) }
            }
            offset += length
        }
    }
}

extension Packet {
    /// What a node that decides for the arc to `ip4-fragment` leaves in the packet's scratch space.
    /// - Parameters:
    ///   - next: Back to that node, with the packet's adjacency.
    ///   - mtu: Bytes that a fragment has at most, its IPv4 header included.
    ///   - stackLength: Bytes of labels in front of the packet, which come before that.
    @inline(__always)
    func requestFragments(_ next: IP4Fragment.Next, mtu: UInt32, stackLength: Int = 0) {
        header.scratch.0 = UInt64(next.rawValue) << 32 | UInt64(mtu)
        header.scratch.1 = UInt64(truncatingIfNeeded: stackLength)
    }

    fileprivate var requestedFragments: (next: IP4Fragment.Next, mtu: Int, stackLength: Int) {
        let mtu = Int(UInt32(truncatingIfNeeded: header.scratch.0))
        let next = IP4Fragment.Next(rawValue: UInt16(truncatingIfNeeded: header.scratch.0 >> 32)) ?? .rewrite
        return (next, mtu, Int(truncatingIfNeeded: header.scratch.1))
    }
}
