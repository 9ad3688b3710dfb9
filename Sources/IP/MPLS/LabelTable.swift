// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Wire

/// What an incoming label leads to, as the label table keeps it: a result, and the TTL mode of its path's end.
@frozen
public struct LabelResult: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
    public let rawValue: UInt32

    @inlinable @inline(__always)
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    init(_ forwarding: Forwarding, _ mode: TTLMode = .pipe) {
        rawValue = forwarding.rawValue | (mode == .uniform ? LabelResult.uniformBit : 0)
    }

    @usableFromInline static var uniformBit: UInt32 { 1 << 31 }

    @inlinable public var forwarding: Forwarding {
        @inline(__always) get { Forwarding(rawValue: rawValue & (LabelResult.uniformBit &- 1)) }
    }
    /// TTL and traffic class are copied to what the label is taken off from.
    @inlinable public var isUniform: Bool { @inline(__always) get { rawValue & LabelResult.uniformBit != 0 } }
}

// What the kinds of a result mean for a label: `rewrite` and `path` leave by a neighbour, `rewrite` and a path without
// labels with the label taken off; `table` routes the IP packet below by a table; `local` is an arc of `mpls-lookup`'s
// own; `discard` drops for the reason of `MPLSLookup` with the index for a number.
extension Forwarding {
    /// Takes the label off and looks the next one up.
    static let nextLabel = Forwarding(.table, indexCapacity - 2)
    /// Takes the label off and routes the IP packet below by the table of the interface that it came in at.
    static let ingressTable = Forwarding(.table, indexCapacity - 1)

    /// Drops what such a label must not come with.
    static func discard(_ reason: MPLSLookup.Reason) -> Forwarding { Forwarding(.discard, UInt32(reason.rawValue)) }
}

/// The label FIB as workers read it: a result for each label, at the bottom of the stack and above it (RFC 3031 section 3.11).
///
/// The memory is reserved for all labels and taken page by page; a change is one store.
@frozen
public struct LabelTable: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let slots: UnsafeMutablePointer<UInt32>

    static var capacity: Int { 1 << 21 }
    private static var byteCount: Int { capacity * MemoryLayout<UInt32>.stride }

    init() {
        guard let memory = CMartletLinux_mapAnonymous(LabelTable.byteCount, 0) else {
            fatalError("no address space for the label table")
        }
        slots = memory.bindMemory(to: UInt32.self, capacity: LabelTable.capacity)
    }

    func unmap() { munmap(slots, LabelTable.byteCount) }

    /// A label's place, from its stack entry: twice the label, and one more at the bottom.
    @inline(__always)
    static func place(_ entry: MPLSEntry) -> Int {
        Int(entry.rawValue &>> 11 & 0x1f_fffe | entry.rawValue &>> 8 & 1)
    }

    @inline(__always)
    subscript(entry: MPLSEntry) -> LabelResult { LabelResult(rawValue: slots[LabelTable.place(entry)]) }

    @inline(__always)
    func prefetch(_ entry: MPLSEntry) { CMartletLinux_prefetch(slots + LabelTable.place(entry)) }

    /// Control side only.
    func store(_ result: LabelResult, for label: MPLSLabel, isBottom: Bool) {
        slots[LabelTable.place(MPLSEntry(label, isBottom: isBottom, timeToLive: 0))] = result.rawValue
    }

    func result(of label: MPLSLabel, isBottom: Bool) -> LabelResult {
        self[MPLSEntry(label, isBottom: isBottom, timeToLive: 0)]
    }
}
