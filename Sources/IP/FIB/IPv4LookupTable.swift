// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Wire

/// Longest-prefix match for IPv4, made to be read by workers while it is changed: a trie of 24, 4 and 4 bits.
///
/// The first 24 bits of an address pick one of 2^24 root slots; that is the whole lookup for routes up to /24, one
/// cache line. Longer routes hang below their root slot as groups of 16 slots, one cache line each, two levels deep.
/// The root is 64 MiB of address space, zero on demand and in transparent huge pages, so that a small table is small
/// and a lookup in a big one misses the cache but not the TLB. Against DIR-24-8 a scattered host route costs 128 bytes
/// in place of 1 KiB, and a change below /24 stores at most 16 slots. A compressed trie (Poptrie) fits in the cache,
/// but needs two or three dependent loads and a popcount where this needs one load, which a vector of packets hides by
/// prefetching: with a full table in the Internet's mix it is 1.5 times slower, and it cannot be changed in place.
/// `docs/fib.md` has the figures.
///
/// **One writer, any number of readers.** Every slot is one atomic word with all there is to know about its addresses,
/// and it carries the length of its route, so a change stores only the slots it owns: a reader sees the old or the new
/// result for an address, and never a miss between. A group is filled before the slot above it points to it, and a
/// group that is no longer needed is given back only when `afterQuiescence` says that no reader can still be in it.
public final class IPv4LookupTable: LookupTable {
    let memory: LookupMemory
    private let groups: LookupGroups

    /// Makes an empty table, in which every lookup gives 0.
    ///
    /// - Parameters:
    ///   - maximumGroups: how many groups of 16 slots there may be, up to 32 million; they cost address space only.
    ///   - afterQuiescence: the default is for tables without concurrent readers and runs its argument at once.
    public init(
        maximumGroups: Int = defaultMaximumGroups, afterQuiescence: @escaping AfterQuiescence = { release in release() }
    ) throws(LookupTableError) {
        let maximum = min(max(maximumGroups, 0), Slot.mostGroups)
        let slotBytes = MemoryLayout<UInt32>.stride
        let opened = (Slot.rootSize + Slot.groupSize) * slotBytes
        let bytes = opened + maximum * Slot.groupSize * slotBytes
        memory = try LookupMemory(.ipv4, bytes: bytes, opened: opened, hugePages: [0..<LookupMemory.roundedUp(bytes)])
        groups = LookupGroups(
            .ipv4, groupBytes: Slot.groupSize * slotBytes, first: Slot.headerGroup + 1, maximum: maximum,
            afterQuiescence: afterQuiescence)
    }

    /// What workers look up with; valid for as long as the table lives.
    public var reader: Reader { Reader(slots: UnsafePointer(memory.slots)) }

    public static var defaultMaximumGroups: Int { 1 << 22 }

    /// The greatest result a route may have.
    public static var maximumResult: UInt32 { Slot.valueMask }

    /// Bytes of the table that are in memory.
    public var memoryBytes: Int { memory.residentBytes + groups.memoryBytes }

    /// Groups in use, and given up but possibly still read.
    public var groupCount: (used: Int, retired: Int) { (groups.used, groups.retired) }

    /// Makes `prefix` lead to `result`, unless a longer prefix in the table knows better.
    ///
    /// On an error (no more groups, result beyond `maximumResult`) no lookup has changed.
    public func set(_ prefix: IPv4Prefix, result: UInt32) throws(LookupTableError) {
        guard result <= Slot.valueMask else { throw .resultTooLarge(result, maximum: Slot.valueMask) }
        guard prefix.length > 0 else {
            memory.slots[Slot.defaultIndex].store(result, ordering: .releasing)
            return
        }
        let range = try makeSlots(of: prefix)
        paint(range, with: Slot.leaf(depth: prefix.length, result), over: 0...prefix.length)
    }

    /// Removes `prefix`, which must be in the table, and uncovers `cover`: the longest prefix but itself that
    /// contains it, nil if that is the default route or nothing.
    public func remove(_ prefix: IPv4Prefix, uncovering cover: (length: Int, result: UInt32)?) {
        guard prefix.length > 0 else {
            memory.slots[Slot.defaultIndex].store(0, ordering: .releasing)
            return
        }
        var below = Slot.empty
        if let cover, cover.length > 0 { below = Slot.leaf(depth: cover.length, cover.result) }
        guard let range = slots(of: prefix) else { return }
        paint(range, with: below, over: prefix.length...prefix.length)
        collapse(prefix.address.value)
    }
}

// MARK: - Changing slots

extension IPv4LookupTable {
    /// The slots that `prefix` ends in; makes the groups above them where they are missing.
    private func makeSlots(of prefix: IPv4Prefix) throws(LookupTableError) -> Range<Int> {
        let address = prefix.address.value
        var index = Int(address >> 8)
        var depth = Slot.rootDepth
        while depth < prefix.length {
            if !Slot.isExtended(load(index)) {
                do throws(LookupTableError) {
                    try addGroup(below: index)
                } catch {
                    collapse(address)
                    throw error
                }
            }
            depth += Slot.groupDepth
            index = Slot.index(in: load(index), of: address, depth: depth)
        }
        return index..<index + 1 << (depth - prefix.length)
    }

    /// The slots that `prefix` ends in; nil when there are no groups for it, so that it cannot be in the table.
    private func slots(of prefix: IPv4Prefix) -> Range<Int>? {
        let address = prefix.address.value
        var index = Int(address >> 8)
        var depth = Slot.rootDepth
        while depth < prefix.length {
            guard Slot.isExtended(load(index)) else { return nil }
            depth += Slot.groupDepth
            index = Slot.index(in: load(index), of: address, depth: depth)
        }
        return index..<index + 1 << (depth - prefix.length)
    }

    /// Stores `slot` over every slot in and below `range` that belongs to a route with one of the `lengths`.
    private func paint(_ range: Range<Int>, with slot: UInt32, over lengths: ClosedRange<Int>) {
        for index in range {
            let old = load(index)
            if Slot.isExtended(old) {
                paint(Slot.group(old), with: slot, over: lengths)
            } else if lengths.contains(Slot.depth(old)) {
                // Releasing: who finds the result sees what was written for it before, such as its adjacency.
                memory.slots[index].store(slot, ordering: .releasing)
            }
        }
    }

    /// Puts a new group below the slot at `index`, which means for every address what the slot meant.
    private func addGroup(below index: Int) throws(LookupTableError) {
        let group = try groups.take(from: memory)
        let slot = load(index)
        for inner in Slot.group(Slot.extended(group)) {
            memory.slots[inner].store(slot, ordering: .relaxed)
        }
        // Releasing: who sees the group sees what is in it.
        memory.slots[index].store(Slot.extended(group), ordering: .releasing)
    }

    /// Takes out the groups on the way to `address` that no route needs any more.
    private func collapse(_ address: UInt32) {
        let root = Int(address >> 8)
        guard Slot.isExtended(load(root)) else { return }
        let middle = Slot.index(in: load(root), of: address, depth: Slot.rootDepth + Slot.groupDepth)
        if Slot.isExtended(load(middle)) {
            guard collapseGroup(below: middle, depth: Slot.rootDepth + Slot.groupDepth) else { return }
        }
        _ = collapseGroup(below: root, depth: Slot.rootDepth)
    }

    /// Replaces the group below `index` by its content, if no slot in it needs more than `depth` bits to be told apart.
    private func collapseGroup(below index: Int, depth: Int) -> Bool {
        let old = load(index)
        let range = Slot.group(old)
        // The route's length is in the upper bits and an extended slot is greater than any other.
        let greatest = Slot.leaf(depth: depth, Slot.valueMask)
        guard range.allSatisfy({ load($0) <= greatest }) else { return false }
        // Addresses that share `depth` bits have the same longest match of up to that length: all slots are equal.
        memory.slots[index].store(load(range.lowerBound), ordering: .releasing)
        groups.retire(Slot.value(old))
        return true
    }

    private func load(_ index: Int) -> UInt32 {
        memory.slots[index].load(ordering: .relaxed)
    }
}
