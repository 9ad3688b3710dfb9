// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Synchronization
import Wire

extension IPv6LookupTable {
    /// The workers' side of the table: two pointers, copied freely, no reference counts.
    ///
    /// Loads are relaxed atomics, a plain `mov` on x86-64. A reader must not outlive its table, and must be out of
    /// `lookup` when the table's `afterQuiescence` says so.
    public struct Reader: BitwiseCopyable, @unchecked Sendable {
        /// 2^24 slots for the first 24 bits, then 2^12 for routes of at most 12.
        @usableFromInline let root: UnsafePointer<Atomic<UInt32>>
        /// Skips and groups.
        @usableFromInline let units: UnsafeRawPointer

        init(root: UnsafePointer<Atomic<UInt32>>, units: UnsafeRawPointer) {
            self.root = root
            self.units = units
        }

        /// The result of the longest prefix that contains the address whose halves are given (host byte order); 0 when
        /// there is none.
        @inlinable
        @inline(__always)
        public func lookup(high: UInt64, low: UInt64) -> UInt32 {
            result(descend(rootSlot(high), high, low), high)
        }

        /// From an address's root slot to the one that is not extended.
        @inlinable
        @inline(__always)
        func descend(_ root: UInt32, _ high: UInt64, _ low: UInt64) -> UInt32 {
            var slot = root
            while Slot.isExtended(slot) {
                // Pairs with the releasing store that put the group or skip there.
                atomicMemoryFence(ordering: .acquiring)
                let unit = units + Slot.offset(slot)
                let position = Slot.position(slot)
                if position == 0 {
                    slot = skip(unit, high, low)
                } else {
                    let half = position & 64 == 0 ? high : low
                    slot = load(unit, 4 &* Int(truncatingIfNeeded: (half &<< UInt64(position)) &>> 58))
                }
            }
            return slot
        }

        /// Brings the root slot of an address towards the core, some ten packets ahead of `lookup`.
        @inlinable
        @inline(__always)
        public func prefetch(high: UInt64, low: UInt64) {
            CMartletLinux_prefetch(root + Int(high >> 40))
        }

        @inlinable
        @inline(__always)
        func rootSlot(_ high: UInt64) -> UInt32 {
            root[Int(truncatingIfNeeded: high &>> 40)].load(ordering: .relaxed)
        }

        /// What a slot that is not extended means. An empty one leaves it to the short routes: chosen by a mask, all
        /// ones for an empty slot (the sign of slot - 1), since a branch could not be predicted.
        @inlinable
        @inline(__always)
        func result(_ slot: UInt32, _ high: UInt64) -> UInt32 {
            let missing = UInt32(bitPattern: Int32(bitPattern: slot &- 1) &>> 31)
            let short = root[1 &<< 24 &+ Int(truncatingIfNeeded: high &>> 52)].load(ordering: .relaxed)
            return Slot.value(slot | short & missing)
        }

        @inlinable
        @inline(__always)
        func skip(_ unit: UnsafeRawPointer, _ high: UInt64, _ low: UInt64) -> UInt32 {
            let isInside = unit.assumingMemoryBound(to: Skip.self).pointee.contains(high, low)
            return load(unit, isInside ? IPv6LookupTable.Skip.insideOffset : IPv6LookupTable.Skip.outsideOffset)
        }

        @inlinable
        @inline(__always)
        func load(_ unit: UnsafeRawPointer, _ offset: Int) -> UInt32 {
            (unit + offset).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .relaxed)
        }
    }
}

// MARK: - A frame at once

extension IPv6LookupTable.Reader {
    /// Looks up the addresses of a frame, step by step for all of them, so that their cache misses are in flight
    /// together.
    ///
    /// Each step makes a list of the addresses that go on to a group and one of those that go on to a skip, so that
    /// no branch depends on an address.
    /// - Parameters:
    ///   - count: At most 256.
    ///   - scratch: The caller's, who keeps it for the next frame.
    @inlinable
    public func lookup(
        _ addresses: UnsafePointer<IPv6Address>, count: Int, into results: UnsafeMutablePointer<UInt32>,
        _ scratch: inout Scratch
    ) {
        guard count > 0 else { return }
        for index in 0..<count { prefetch(high: addresses[index].high, low: addresses[index].low) }
        var differences: UInt32 = 0
        let first = rootSlot(addresses[0].high)
        for index in 0..<count {
            let slot = rootSlot(addresses[index].high)
            results[index] = slot
            differences |= slot ^ first
        }
        if differences == 0, isShort(first) {
            // All go the same short way, as in a small table: there is no miss to wait for.
            for index in 0..<count {
                let address = addresses[index]
                results[index] = result(descend(first, address.high, address.low), address.high)
            }
            return
        }
        withUnsafeMutablePointer(to: &scratch) { scratch in
            let memory = UnsafeMutableRawPointer(scratch)
            let pointers = memory.assumingMemoryBound(to: UnsafeRawPointer.self)
            let lists = (memory + Scratch.listsOffset).assumingMemoryBound(to: UInt8.self)
            walk(addresses, count, results, pointers, lists)
        }
        for index in 0..<count { results[index] = result(results[index], addresses[index].high) }
    }

    /// Whether there is one route at most below a slot of the root.
    @inlinable
    @inline(__always)
    func isShort(_ slot: UInt32) -> Bool {
        typealias Table = IPv6LookupTable
        guard Table.Slot.isExtended(slot) else { return true }
        guard Table.Slot.position(slot) == 0 else { return false }
        return !Table.Slot.isExtended(load(units + Table.Slot.offset(slot), Table.Skip.insideOffset))
    }

    /// Memory for the walk, which is too large to come from the stack unasked: without it each frame would allocate.
    @frozen
    public struct Scratch: BitwiseCopyable {
        /// 256 pointers, then four lists of 256 indices.
        @usableFromInline var memory = InlineArray<384, UInt64>(repeating: 0)

        @inlinable static var listsOffset: Int { 2048 }

        public init() {}
    }

    @inlinable
    @inline(__always)
    func walk(
        _ addresses: UnsafePointer<IPv6Address>, _ count: Int, _ slots: UnsafeMutablePointer<UInt32>,
        _ pointers: UnsafeMutablePointer<UnsafeRawPointer>, _ lists: UnsafeMutablePointer<UInt8>
    ) {
        var (groups, skips) = (lists, lists + 256)
        var (nextGroups, nextSkips) = (lists + 512, lists + 768)
        var (groupCount, skipCount) = (0, 0)

        for index in 0..<count {
            follow(slots[index], index, addresses, pointers, (groups, skips), &groupCount, &skipCount)
        }
        while groupCount | skipCount != 0 {
            // Pairs with the releasing stores that put the groups and skips there.
            atomicMemoryFence(ordering: .acquiring)
            var (nextGroupCount, nextSkipCount) = (0, 0)
            for place in 0..<groupCount {
                let index = Int(groups[place])
                let slot = load(pointers[index], 0)
                slots[index] = slot
                follow(slot, index, addresses, pointers, (nextGroups, nextSkips), &nextGroupCount, &nextSkipCount)
            }
            for place in 0..<skipCount {
                let index = Int(skips[place])
                let slot = skip(pointers[index], addresses[index].high, addresses[index].low)
                slots[index] = slot
                follow(slot, index, addresses, pointers, (nextGroups, nextSkips), &nextGroupCount, &nextSkipCount)
            }
            swap(&groups, &nextGroups)
            swap(&skips, &nextSkips)
            (groupCount, skipCount) = (nextGroupCount, nextSkipCount)
        }
    }

    /// Puts an address on the list that its slot says, if any, and prefetches what it will read.
    @inlinable
    @inline(__always)
    func follow(
        _ slot: UInt32, _ index: Int, _ addresses: UnsafePointer<IPv6Address>,
        _ pointers: UnsafeMutablePointer<UnsafeRawPointer>,
        _ lists: (groups: UnsafeMutablePointer<UInt8>, skips: UnsafeMutablePointer<UInt8>),
        _ groupCount: inout Int, _ skipCount: inout Int
    ) {
        typealias Slot = IPv6LookupTable.Slot
        let position = Slot.position(slot)
        let half = UnsafeRawPointer(addresses + index).load(fromByteOffset: position &>> 6 &* 8, as: UInt64.self)
        // Of a skip, the first byte is as good as any other.
        let inGroup = position == 0 ? 0 : (half &<< UInt64(truncatingIfNeeded: position)) &>> 58
        let pointer = units + Slot.offset(slot) + 4 &* Int(truncatingIfNeeded: inGroup)
        pointers[index] = pointer
        CMartletLinux_prefetch(pointer)
        let isExtended = Int(truncatingIfNeeded: slot &>> 31)
        let isSkip = position == 0 ? isExtended : 0
        lists.groups[groupCount] = UInt8(truncatingIfNeeded: index)
        lists.skips[skipCount] = UInt8(truncatingIfNeeded: index)
        groupCount &+= isExtended &- isSkip
        skipCount &+= isSkip
    }
}
