// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Synchronization

extension IPv4LookupTable {
    /// The workers' side of the table: one pointer, copied freely, no reference counts.
    ///
    /// Loads are relaxed atomics, a plain `mov` on x86-64. A reader must not outlive its table, and must be out of
    /// `lookup` when the table's `afterQuiescence` says so.
    public struct Reader: BitwiseCopyable, @unchecked Sendable {
        @usableFromInline let slots: UnsafePointer<Atomic<UInt32>>

        init(slots: UnsafePointer<Atomic<UInt32>>) {
            self.slots = slots
        }

        /// The result of the longest prefix that contains `address` (host byte order); 0 when there is none.
        @inlinable
        @inline(__always)
        public func lookup(_ address: UInt32) -> UInt32 {
            var slot = load(Int(address >> 8))
            if Slot.isExtended(slot) {
                // Pairs with the releasing store that put the group there.
                atomicMemoryFence(ordering: .acquiring)
                slot = load(Slot.index(in: slot, of: address, depth: 28))
                if Slot.isExtended(slot) {
                    atomicMemoryFence(ordering: .acquiring)
                    slot = load(Slot.index(in: slot, of: address, depth: 32))
                }
            }
            // The default route is one slot aside, so that it need not be written into the 2^24 others. It is chosen
            // by a mask, all ones for an empty slot (the sign of slot - 1): where some packets leave by it and
            // some do not, a branch could not be predicted, and of `?:` the optimiser makes a branch.
            let missing = UInt32(bitPattern: Int32(bitPattern: slot &- 1) &>> 31)
            return Slot.value(slot) | load(Slot.defaultIndex) & missing
        }

        /// Brings the root slot of `address` (host byte order) towards the core, some ten packets ahead of `lookup`.
        @inlinable
        @inline(__always)
        public func prefetch(_ address: UInt32) {
            CMartletLinux_prefetch(slots + Int(address >> 8))
        }

        @inlinable
        @inline(__always)
        func load(_ index: Int) -> UInt32 {
            slots[index].load(ordering: .relaxed)
        }
    }

    /// What the 32 bits of a slot mean.
    ///
    /// Bit 31 is set when the slot is extended, and bits 24...0 are then the number of its group. Otherwise bits
    /// 30...25 are the length of the route that the slot belongs to, and bits 24...0 its result. 0 is an empty slot.
    /// Slots 0..<2^24 are the root; behind them come the groups, so that a group's first slot is 16 times its number.
    @usableFromInline
    enum Slot {
        static let rootDepth = 24
        static let groupDepth = 4
        static let groupSize = 1 << groupDepth
        static let rootSize = 1 << rootDepth
        /// The first group is not given out: its first slot holds the result of the default route.
        static let headerGroup = UInt32(rootSize / groupSize)

        /// As many as there are numbers for.
        static let mostGroups = Int(valueMask - headerGroup)

        @usableFromInline static var defaultIndex: Int { @inline(__always) @inlinable get { 1 << 24 } }
        @usableFromInline static var empty: UInt32 { @inline(__always) @inlinable get { 0 } }
        @usableFromInline static var valueMask: UInt32 { @inline(__always) @inlinable get { 1 << 25 - 1 } }

        static func leaf(depth: Int, _ value: UInt32) -> UInt32 { UInt32(depth) << 25 | value }
        static func extended(_ group: UInt32) -> UInt32 { 1 << 31 | group }
        static func depth(_ slot: UInt32) -> Int { Int(slot >> 25) }

        /// The indices of the slots in the group below an extended slot.
        static func group(_ slot: UInt32) -> Range<Int> {
            let first = Int(value(slot)) * groupSize
            return first..<first + groupSize
        }

        @inlinable
        @inline(__always)
        static func isExtended(_ slot: UInt32) -> Bool { Int32(bitPattern: slot) < 0 }

        @inlinable
        @inline(__always)
        static func value(_ slot: UInt32) -> UInt32 { slot & valueMask }

        /// The slot for `address` in the group below an extended slot; it decides on the first `depth` bits.
        @inlinable
        @inline(__always)
        static func index(in slot: UInt32, of address: UInt32, depth: Int) -> Int {
            Int(value(slot)) &<< 4 | Int(address &>> UInt32(truncatingIfNeeded: 32 &- depth) & 15)
        }
    }
}
