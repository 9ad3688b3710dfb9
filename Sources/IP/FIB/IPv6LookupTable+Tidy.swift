// SPDX-License-Identifier: Apache-2.0
import Wire

// A table has no more groups and skips than its routes need, whatever was in it before.

extension IPv6LookupTable {
    /// Takes out the groups on the way from the slot to `prefix` in which routes no longer part.
    func tidy(_ slot: SlotPointer, _ place: Place, _ prefix: IPv6Prefix) {
        let old = load(slot)
        guard Slot.isExtended(old) else { return }
        var group = old
        if Slot.isSkip(old) {
            let known = skip(old).pointee.prefix
            group = load(inside(old))
            guard Slot.isExtended(group), known.length < prefix.length, known.contains(prefix.address) else { return }
        }
        let inner = self.place(of: group)
        if inner.end < prefix.length {
            tidy(slots(of: group) + Grid.index(of: prefix.address, behind: inner.position), inner, prefix)
        }
        guard let replacement = replacement(of: group, inner, in: place, prefix) else { return }
        store(replacement, in: slot)
        groups.retire(Slot.groupNumber(group))
        if Slot.isSkip(old) { skips.retire(old & Slot.unitMask) }
    }

    /// What means the same as the group and takes less; nil if routes part in it, or if there is no skip to be had.
    private func replacement(of group: UInt32, _ inner: Place, in place: Place, _ prefix: IPv6Prefix) -> UInt32? {
        let content = content(of: group, inner)
        let base = IPv6Prefix(prefix.address, length: inner.position)
        switch content {
        case .several:
            return nil
        case .inherited(let slot):
            return Slot.leaf(inner.inherited, Slot.value(slot), behind: place.position)
        case .route(let slot, let index):
            let length = Slot.owner(slot, behind: inner.position, inner.inherited)
            let route = base.extended(by: index, to: length)
            let inside = Slot.leaf(length, Slot.value(slot), behind: length)
            return try? makeSkip(route, to: inside, over: inner.inherited, covering(group, inner, besides: index))
        case .child(let slot, let index):
            // A skip means the same at either end of the bits that it skips.
            if Slot.isSkip(slot) { return slot }
            let behind = base.extended(by: index, to: inner.end)
            return try? link(to: slot, at: place, behind, inner.inherited, covering(group, inner, besides: index))
        }
    }

    private enum Content {
        /// Nothing but the inherited route, or none.
        case inherited(UInt32)
        /// One route and nothing else, with its first slot.
        case route(UInt32, Int)
        /// One way on and nothing else.
        case child(UInt32, Int)
        case several
    }

    private func content(of group: UInt32, _ place: Place) -> Content {
        let slots = slots(of: group)
        var found = Content.inherited(load(slots))
        /// The slots that the one route has.
        var range = 0..<0
        for index in stride(from: 0, to: Grid.groupSlots, by: Grid.stride(place.position)) {
            let slot = load(slots + index)
            if Slot.isExtended(slot) {
                // A route of the group may hide behind what is longer than itself.
                guard case .inherited = found, cover(of: slot) == place.inherited else { return .several }
                found = .child(slot, index)
            } else if Slot.isOwn(slot), !range.contains(index) {
                guard case .inherited = found else { return .several }
                found = .route(slot, index)
                let length = Slot.owner(slot, behind: place.position, place.inherited)
                range = index..<index + Grid.groupSlots >> (length - place.position)
            } else if case .route(let route, _) = found, range.contains(index), slot != route {
                return .several
            }
        }
        if case .route = found, range.lowerBound % range.count != 0 { return .several }
        return found
    }

    /// The length of the route that what a slot leads to inherits.
    private func cover(of slot: UInt32) -> Int {
        Slot.isSkip(slot) ? Int(skip(slot).pointee.cover) : place(of: slot).inherited
    }

    /// The result of the route that a group inherits, in which the slot at `index` and its like have something else.
    private func covering(_ group: UInt32, _ place: Place, besides index: Int) -> UInt32 {
        guard place.inherited > 0 else { return 0 }
        let slots = slots(of: group)
        for index in stride(from: 0, to: Grid.groupSlots, by: Grid.stride(place.position)) {
            let slot = load(slots + index)
            if !Slot.isExtended(slot), !Slot.isOwn(slot) { return Slot.value(slot) }
        }
        return 0
    }
}

extension IPv6Prefix {
    /// The prefix of `length` bits that goes on with the 6 bits of `index`.
    fileprivate func extended(by index: Int, to length: Int) -> IPv6Prefix {
        let bits = (UInt64(index) << 58) >> UInt64(self.length % 64)
        let isHigh = self.length < 64
        return IPv6Prefix(
            IPv6Address(high: address.high | (isHigh ? bits : 0), low: address.low | (isHigh ? 0 : bits)),
            length: length)
    }
}
