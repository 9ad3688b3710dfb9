// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Wire

/// Longest-prefix match for IPv6, made to be read by workers while it is changed: a trie with a direct root of 24 bits,
/// groups of 64 slots for 6 bits each, and skips over the bits in which nothing branches.
///
/// Where two routes part there is a group, 256 bytes; a route that is alone below a slot is one skip of 32 bytes,
/// however long it is. So the memory follows the number of routes and not their lengths, a lookup in the Internet's
/// table takes four loads, and a host route among ten thousand others hardly more. Against Poptrie it needs three times
/// the memory at the same speed, but each slot can be changed in place by one store, and it does not descend 6 bits by
/// 6 bits to a /128. One hash table per length takes five times as long where many lengths are in use.
/// `docs/fib.md` has the figures.
///
/// **One writer, any number of readers.** Every slot is one atomic word, and a change of structure puts something in a
/// slot's place that means the same for every address; then a change stores only the slots that the route owns. So a
/// reader sees the old or the new result for an address, and never a miss between. Groups and skips are filled before
/// they are linked, and those no longer needed are given back only when `afterQuiescence` says that no reader can still
/// be in them.
///
/// Where a route is: in a table of 4,096 slots aside up to /12, in the root up to /24, else in the group whose bits it
/// ends in, or, if it is the only one below a slot, in a skip. Routes shorter than a group's first bit fill the group's
/// slots that have no route of their own: they are inherited.
public final class IPv6LookupTable: LookupTable {
    let memory: LookupMemory
    let groups: LookupGroups
    let skips: LookupGroups
    /// The length of the route that each group inherits, by group; 0 for none.
    var inherited: [UInt8] = []

    static let rootSize = 1 << Grid.rootDepth
    static let shortSize = 1 << Grid.shortDepth
    /// Bytes from the start of the memory to the first unit.
    static let unitArea = LookupMemory.roundedUp((rootSize + shortSize) * 4)
    private let groupArea: Int

    public static var defaultMaximumGroups: Int { 1 << 20 }
    public static var maximumResult: UInt32 { Slot.valueMask }

    /// Makes an empty table, in which every lookup gives 0.
    ///
    /// - Parameters:
    ///   - maximumGroups: how many groups there may be, up to a million, and four times as many skips; they cost
    ///     address space only.
    ///   - afterQuiescence: the default is for tables without concurrent readers and runs its argument at once.
    public init(
        maximumGroups: Int = defaultMaximumGroups, afterQuiescence: @escaping AfterQuiescence = { release in release() }
    ) throws(LookupTableError) {
        let maximum = min(max(maximumGroups, 0), Self.defaultMaximumGroups)
        let skipBytes = LookupMemory.roundedUp(4 * maximum * Skip.bytes)
        let groupBytes = LookupMemory.roundedUp(maximum * Grid.groupBytes)
        groupArea = Self.unitArea + skipBytes
        let end = groupArea + groupBytes
        // The root is sparse, and small tables are to be small: the first piece of everything is in ordinary pages.
        let hugePages = [Self.unitArea..<groupArea, groupArea..<end].map { $0.dropFirst(LookupMemory.step) }
        memory = try LookupMemory(.ipv6, bytes: end, opened: Self.unitArea, hugePages: hugePages)
        skips = LookupGroups(
            .ipv6, area: Self.unitArea, groupBytes: Skip.bytes, first: 0, maximum: 4 * maximum,
            afterQuiescence: afterQuiescence)
        groups = LookupGroups(
            .ipv6, area: Self.unitArea, groupBytes: Grid.groupBytes, first: UInt32(skipBytes / Grid.groupBytes),
            maximum: maximum, afterQuiescence: afterQuiescence)
    }

    /// What workers look up with; valid for as long as the table lives.
    public var reader: Reader {
        Reader(root: UnsafePointer(memory.slots), units: UnsafeRawPointer(memory.start + Self.unitArea))
    }

    /// Bytes of the table that are in memory.
    public var memoryBytes: Int {
        memory.residentBytes + groups.memoryBytes + skips.memoryBytes + inherited.capacity
    }

    /// Groups and skips in use, and given up but possibly still read.
    public var groupCount: (used: Int, retired: Int) {
        (groups.used + skips.used, groups.retired + skips.retired)
    }

    /// Makes `prefix` lead to `result`, unless a longer prefix in the table knows better.
    ///
    /// On an error (no more groups, result beyond `maximumResult`) no lookup has changed.
    public func set(_ prefix: IPv6Prefix, result: UInt32) throws(LookupTableError) {
        guard result <= Slot.valueMask else { throw .resultTooLarge(result, maximum: Slot.valueMask) }
        let change = Change(to: (prefix.length, result), over: 0...prefix.length)
        if paintRoot(prefix, change) { return }
        do throws(LookupTableError) {
            try insert(prefix, change)
        } catch {
            // The way to the route may have been made in part.
            tidy(rootSlot(of: prefix), Place.root, prefix)
            throw error
        }
    }

    /// Removes `prefix`, which must be in the table, and uncovers `cover`: the longest prefix but itself that contains
    /// it, nil if there is none.
    public func remove(_ prefix: IPv6Prefix, uncovering cover: (length: Int, result: UInt32)?) {
        // The short routes have their own table: nothing of theirs shows below it.
        let shows = cover.map { $0.length > Grid.shortDepth || prefix.length <= Grid.shortDepth } ?? false
        let change = Change(to: shows ? cover : nil, over: prefix.length...prefix.length)
        if paintRoot(prefix, change) { return }
        guard take(prefix, change) else { return }
        tidy(rootSlot(of: prefix), Place.root, prefix)
    }
}

// MARK: - Places

extension IPv6LookupTable {
    typealias SlotPointer = UnsafeMutablePointer<Atomic<UInt32>>

    /// What slots get, and which: those of routes with one of the `lengths`, 0 for none.
    struct Change {
        /// 0 for none.
        let length: Int
        let result: UInt32
        let lengths: ClosedRange<Int>
        /// Nil when the slots are to be empty.
        let route: (length: Int, result: UInt32)?

        init(to route: (length: Int, result: UInt32)?, over lengths: ClosedRange<Int>) {
            self.route = route
            self.lengths = lengths
            length = route?.length ?? 0
            result = route?.result ?? 0
        }
    }

    /// Whose slots one is among: the root's or a group's.
    struct Place {
        /// The bits that come before.
        let position: Int
        /// The bits that are decided at a slot.
        let end: Int
        /// The length of the inherited route; 0 for none.
        let inherited: Int

        /// The routes of 13 to 24 bits are the root's own.
        static let root = Place(position: Grid.shortDepth, end: Grid.rootDepth, inherited: 0)
    }

    func rootSlot(of prefix: IPv6Prefix) -> SlotPointer { memory.slots + Int(prefix.address.high >> 40) }

    func load(_ slot: SlotPointer) -> UInt32 { slot.pointee.load(ordering: .relaxed) }

    /// Releasing: who finds what the slot leads to, be it a result or a group, sees what was written for it before.
    func store(_ value: UInt32, in slot: SlotPointer) { slot.pointee.store(value, ordering: .releasing) }

    /// The slots of a group, by an extended slot.
    func slots(of slot: UInt32) -> SlotPointer {
        (memory.start + Self.unitArea + Slot.offset(slot)).assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    func place(of slot: UInt32) -> Place {
        let position = Slot.position(slot)
        return Place(
            position: position, end: Grid.end(position), inherited: Int(inherited[index(of: Slot.groupNumber(slot))]))
    }

    /// From a group's number to its place in `inherited`.
    func index(of group: UInt32) -> Int {
        Int(group) - (groupArea - Self.unitArea) / Grid.groupBytes
    }

    func skip(_ slot: UInt32) -> UnsafeMutablePointer<Skip> {
        (memory.start + Self.unitArea + Slot.offset(slot)).assumingMemoryBound(to: Skip.self)
    }

    func inside(_ slot: UInt32) -> SlotPointer { slotPointer(slot, Skip.insideOffset) }
    func outside(_ slot: UInt32) -> SlotPointer { slotPointer(slot, Skip.outsideOffset) }

    private func slotPointer(_ slot: UInt32, _ offset: Int) -> SlotPointer {
        (memory.start + Self.unitArea + Slot.offset(slot) + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
    }
}
