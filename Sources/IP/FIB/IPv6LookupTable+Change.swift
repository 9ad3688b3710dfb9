// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Wire

// MARK: - Painting slots

extension IPv6LookupTable {
    /// Stores a route of at most 24 bits in the slots of the root, or of the table of short ones; false for longer ones.
    func paintRoot(_ prefix: IPv6Prefix, _ change: Change) -> Bool {
        guard prefix.length <= Grid.rootDepth else { return false }
        guard prefix.length <= Grid.shortDepth else {
            let first = rootSlot(of: prefix)
            for slot in first..<first + 1 << (Grid.rootDepth - prefix.length) { paint(slot, Place.root, change) }
            return true
        }
        let first = memory.slots + Self.rootSize + Int(prefix.address.high >> 52)
        for slot in first..<first + 1 << (Grid.shortDepth - prefix.length) {
            // One bit more than the length, since ::/0 is a route too.
            let owner = Slot.owner(load(slot), behind: 0, 0)
            guard owner == 0 || change.lengths.contains(owner - 1) else { continue }
            store(change.route.map { Slot.leaf($0.length + 1, $0.result, behind: 0) } ?? Slot.empty, in: slot)
        }
        return true
    }

    /// Stores the change in the slot, or wherever its route shows below it.
    private func paint(_ slot: SlotPointer, _ place: Place, _ change: Change) {
        let old = load(slot)
        if !Slot.isExtended(old) {
            guard change.lengths.contains(Slot.owner(old, behind: place.position, place.inherited)) else { return }
            store(Slot.leaf(change.length, change.result, behind: place.position), in: slot)
        } else if Slot.isSkip(old) {
            let skip = skip(old)
            guard change.lengths.contains(Int(skip.pointee.cover)) else { return }
            store(Slot.leaf(change.length, change.result, behind: change.length), in: outside(old))
            skip.pointee.cover = UInt8(change.length)
            let child = load(inside(old))
            if Slot.isExtended(child) { repaint(child, change) }
        } else {
            repaint(old, change)
        }
    }

    /// Stores the change in a group, by an extended slot, that inherits.
    private func repaint(_ group: UInt32, _ change: Change) {
        let place = place(of: group)
        guard change.lengths.contains(place.inherited) else { return }
        let slots = slots(of: group)
        for index in stride(from: 0, to: Grid.groupSlots, by: Grid.stride(place.position)) {
            paint(slots + index, place, change)
        }
        inherited[index(of: Slot.groupNumber(group))] = UInt8(change.length)
    }

    /// Paints a prefix that ends in the group.
    private func paint(_ prefix: IPv6Prefix, in group: UInt32, _ change: Change) {
        let place = place(of: group)
        let slots = slots(of: group)
        let range = Grid.slots(of: prefix, behind: place.position)
        for index in stride(from: range.lowerBound, to: range.upperBound, by: Grid.stride(place.position)) {
            paint(slots + index, place, change)
        }
    }
}

// MARK: - Putting in and taking out

extension IPv6LookupTable {
    /// Makes the way to a prefix of more than 24 bits and puts its route there.
    func insert(_ prefix: IPv6Prefix, _ change: Change) throws(LookupTableError) {
        var (slot, place) = (rootSlot(of: prefix), Place.root)
        while true {
            let old = load(slot)
            var group = old
            if !Slot.isExtended(old) {
                let owner = Slot.owner(old, behind: place.position, place.inherited)
                let inside = Slot.leaf(prefix.length, change.result, behind: prefix.length)
                store(try makeSkip(prefix, to: inside, over: owner, Slot.value(old)), in: slot)
                return
            }
            if Slot.isSkip(old) {
                let known = skip(old).pointee.prefix
                group = load(inside(old))
                let isRoute = !Slot.isExtended(group)
                if isRoute, known == prefix {
                    store(Slot.leaf(prefix.length, change.result, behind: prefix.length), in: inside(old))
                    return
                }
                guard !isRoute, known.length < prefix.length, known.contains(prefix.address) else {
                    try expand(slot, place, for: prefix)
                    continue
                }
            }
            let next = self.place(of: group)
            guard next.end < prefix.length else { return paint(prefix, in: group, change) }
            slot = slots(of: group) + Grid.index(of: prefix.address, behind: next.position)
            place = next
        }
    }

    /// Takes the route of a prefix of more than 24 bits out of its slots; false if it is not there.
    func take(_ prefix: IPv6Prefix, _ change: Change) -> Bool {
        var (slot, place) = (rootSlot(of: prefix), Place.root)
        while true {
            let old = load(slot)
            var group = old
            guard Slot.isExtended(old) else { return false }
            if Slot.isSkip(old) {
                let known = skip(old).pointee.prefix
                group = load(inside(old))
                guard Slot.isExtended(group) else {
                    guard known == prefix else { return false }
                    store(Slot.leaf(change.length, change.result, behind: place.position), in: slot)
                    skips.retire(old & Slot.unitMask)
                    return true
                }
                guard known.length < prefix.length, known.contains(prefix.address) else { return false }
            }
            place = self.place(of: group)
            if place.end >= prefix.length {
                paint(prefix, in: group, change)
                return true
            }
            slot = slots(of: group) + Grid.index(of: prefix.address, behind: place.position)
        }
    }

    /// Puts a group where the skip in the slot and `prefix` part, or where one of them ends in it. All addresses go on
    /// to mean what they meant.
    private func expand(_ slot: SlotPointer, _ place: Place, for prefix: IPv6Prefix) throws(LookupTableError) {
        let old = load(slot)
        let (known, child) = (skip(old).pointee.prefix, load(inside(old)))
        let (cover, covering) = (Int(skip(old).pointee.cover), load(outside(old)))
        let isRoute = !Slot.isExtended(child)
        var depth = min(known.address.commonBits(with: prefix.address), known.length, prefix.length - 1)
        if isRoute { depth = min(depth, known.length - 1) }
        let position = Grid.floor(depth)

        let isIn = known.length <= Grid.end(position)
        // A copy, if a skip is still needed: who is in the old one has come from the whole slot, and from there the new
        // one's outside will be too small a part of it.
        let way = isIn ? child : try makeSkip(known, to: child, over: cover, Slot.value(covering))
        do throws(LookupTableError) {
            let group = try makeGroup(behind: position, inheriting: cover, covering)
            if isIn, isRoute {
                paint(known, in: group, Change(to: (known.length, Slot.value(child)), over: 0...known.length))
            } else {
                store(way, in: slots(of: group) + Grid.index(of: known.address, behind: position))
            }
            do throws(LookupTableError) {
                let base = IPv6Prefix(prefix.address, length: position)
                store(try link(to: group, at: place, base, cover, covering), in: slot)
            } catch {
                groups.putBack(Slot.groupNumber(group))
                throw error
            }
        } catch {
            if !isIn { skips.putBack(way & Slot.unitMask) }
            throw error
        }
        skips.retire(old & Slot.unitMask)
    }

    /// What leads to a group from a slot: itself if it is behind the slot's bits, else a skip.
    func link(
        to group: UInt32, at place: Place, _ prefix: IPv6Prefix, _ cover: Int, _ covering: UInt32
    ) throws(LookupTableError) -> UInt32 {
        prefix.length == place.end ? group : try makeSkip(prefix, to: group, over: cover, Slot.value(covering))
    }

    /// A slot that leads to a new skip.
    func makeSkip(
        _ prefix: IPv6Prefix, to inside: UInt32, over cover: Int, _ covering: UInt32
    ) throws(LookupTableError) -> UInt32 {
        let slot = Slot.skip(try skips.take(from: memory))
        skip(slot).pointee = Skip(prefix, cover: cover)
        store(inside, in: self.inside(slot))
        store(Slot.leaf(cover, covering, behind: cover), in: outside(slot))
        return slot
    }

    /// A slot that leads to a new group, all of which is inherited.
    private func makeGroup(
        behind position: Int, inheriting cover: Int, _ covering: UInt32
    ) throws(LookupTableError) -> UInt32 {
        let number = try groups.take(from: memory)
        let index = index(of: number)
        if index >= inherited.count { inherited += [UInt8](repeating: 0, count: index + 1 - inherited.count) }
        inherited[index] = UInt8(cover)
        let slot = Slot.group(number, at: position)
        let slots = slots(of: slot)
        let content = Slot.leaf(cover, Slot.value(covering), behind: position)
        for index in 0..<Grid.groupSlots { slots[index].store(content, ordering: .relaxed) }
        return slot
    }
}

extension IPv6Address {
    /// How many leading bits the addresses share.
    fileprivate func commonBits(with other: IPv6Address) -> Int {
        let difference = high ^ other.high
        return difference != 0 ? difference.leadingZeroBitCount : 64 + (low ^ other.low).leadingZeroBitCount
    }
}
