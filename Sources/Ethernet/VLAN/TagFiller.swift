// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Fills a table of tags, so that of all sub-interfaces that could take a frame the most specific one has it, whatever came
/// first: VLANs that are given before `any`, the outer tag before the inner one.
///
/// Places that lead to the same inner sub-interfaces share an array; it is copied when one of them gets another. So a
/// sub-interface costs as many steps as it has outer VLANs, and for each different array as many as it has inner ones.
@ControlPlane
final class TagFiller {
    /// What two sub-interfaces claim with equal right.
    struct Clash: Error {
        let owner: UInt32
        let frames: TagMatch
    }

    nonisolated let table = TagTable()
    private var portCount: UInt32 = 0
    private var arrayCount: UInt32 = 0
    /// By the array's number: how many places lead to it.
    private var users: [Int] = [0]
    /// By sub-interface.
    private var ranks: [Rank] = []

    /// How specific a sub-interface's tags are.
    private struct Rank: Comparable {
        var outer: UInt8 = 0
        var inner: UInt8 = 0

        init() {}

        init(_ match: TagMatch) {
            if case .tag(_, let vlans) = match.outer { outer = vlans.isAny ? 1 : 2 }
            inner = match.inner.map { $0.isAny ? 1 : 2 } ?? 0
        }

        static func < (one: Rank, other: Rank) -> Bool { (one.outer, one.inner) < (other.outer, other.inner) }
    }

    /// One more port's table, empty.
    func addPort() throws(TagError) -> UInt32 {
        guard Int(portCount) + 1 < TagTable.portCapacity else { throw .tooManyPorts }
        portCount += 1
        return portCount
    }

    /// Gives a sub-interface the frames that are its.
    /// - Parameters:
    ///   - number: The sub-interface's, from 1.
    ///   - port: The number of the port's table.
    /// - Throws: `Clash`; or `TagError` when there are no more arrays.
    func insert(_ number: UInt32, _ match: TagMatch, port: UInt32) throws {
        if ranks.count <= Int(number) { ranks += Array(repeating: Rank(), count: Int(number) + 1 - ranks.count) }
        ranks[Int(number)] = Rank(match)
        switch match.outer {
        case .untagged: try take(table.untagged(port), number, match)
        case .others: try take(table.others(port), number, match)
        case .tag(let type, let vlans):
            if match.inner == nil {
                for vlan in vlans.ranges.joined() {
                    let frames = TagMatch(.tag(type, VLANSet(vlan)))
                    try take(table.outer(port, isService: type == .serviceVLAN, vlan), number, frames)
                }
            }
            if match.inner != nil || match.takesDeeper { try insertInner(number, match, type, vlans, port) }
        }
    }

    private func take(_ place: UnsafeMutablePointer<TagTable.Outer>, _ number: UInt32, _ frames: TagMatch) throws {
        if try prevails(number, over: place.pointee.single, frames) { place.pointee.single = number }
    }

    /// Whether a sub-interface is more specific than the one that has a place now.
    private func prevails(_ number: UInt32, over owner: UInt32, _ frames: @autoclosure () -> TagMatch) throws -> Bool {
        if owner == 0 { return true }
        if ranks[Int(number)] == ranks[Int(owner)] { throw Clash(owner: owner, frames: frames()) }
        return ranks[Int(number)] > ranks[Int(owner)]
    }

    // MARK: - Second tags

    /// Places that have the same, and so get the same.
    private struct Group {
        var places: [ClosedRange<UInt16>]
        var count: Int
    }

    private func insertInner(
        _ number: UInt32, _ match: TagMatch, _ type: EtherType, _ vlans: VLANSet, _ port: UInt32
    ) throws {
        let places = table.outer(port, isService: type == .serviceVLAN, 0)
        for (inner, group) in groups(places, vlans) {
            let first = group.places[0].lowerBound
            let new = try merge(inner, count: group.count, number, match) { vlan in
                TagMatch(.tag(type, VLANSet(first)), inner: VLANSet(vlan))
            }
            if new == inner { continue }
            for vlan in group.places.joined() { places[Int(vlan)].inner = new }
        }
    }

    private func groups(
        _ places: UnsafeMutablePointer<TagTable.Outer>, _ vlans: VLANSet
    ) -> [TagTable.Inner: Group] {
        var groups: [TagTable.Inner: Group] = [:]
        for range in vlans.ranges {
            var first = range.lowerBound
            while first <= range.upperBound {
                let inner = places[Int(first)].inner
                var last = first
                while last < range.upperBound, places[Int(last) + 1].inner == inner { last += 1 }
                groups[inner, default: Group(places: [], count: 0)].places.append(first...last)
                groups[inner]?.count += Int(last - first) + 1
                first = last + 1
            }
        }
        return groups
    }

    /// What `count` places that have `inner` get when a sub-interface is added to them.
    private func merge(
        _ inner: TagTable.Inner, count: Int, _ number: UInt32, _ match: TagMatch, _ frames: (UInt16) -> TagMatch
    ) throws -> TagTable.Inner {
        let takesOthers = match.inner == nil
        if match.inner?.isAny ?? true {
            if inner == .none { return TagTable.Inner(all: number, others: takesOthers) }
            if inner.isAll {
                let isStronger = try prevails(number, over: inner.number, frames(1))
                if isStronger, takesOthers || !inner.takesOthers {
                    return TagTable.Inner(all: number, others: takesOthers)
                }
                if !isStronger, inner.takesOthers || !takesOthers { return inner }
            }
        }
        let array = try ownArray(inner, count)
        let places = table.array(array)
        // What is no VLAN is only in what takes all.
        let vlans = match.inner?.ranges ?? [0...0xfff]
        for vlan in vlans.joined() where try prevails(number, over: places[Int(vlan)], frames(vlan)) {
            places[Int(vlan)] = number
        }
        return TagTable.Inner(array: array)
    }

    /// An array that those places alone have, with what they have now.
    private func ownArray(_ inner: TagTable.Inner, _ count: Int) throws(TagError) -> UInt32 {
        let isArray = inner != .none && !inner.isAll
        if isArray, users[Int(inner.number)] == count { return inner.number }
        guard Int(arrayCount) + 1 < TagTable.innerCapacity else { throw .tooManyOuterTags }
        arrayCount += 1
        users.append(count)
        let places = table.array(arrayCount)
        if isArray {
            users[Int(inner.number)] -= count
            places.update(from: table.array(inner.number), count: TagTable.vlanCount)
        } else if inner.isAll {
            let vlans = inner.takesOthers ? 0...0xfff : VLANSet.all
            for vlan in vlans { places[Int(vlan)] = inner.number }
        }
        return arrayCount
    }
}

/// Why a sub-interface cannot be.
enum TagError: Error, CustomStringConvertible {
    case tooManyPorts, tooManyOuterTags

    var description: String {
        switch self {
        case .tooManyPorts:
            "\(TagTable.portCapacity - 1) ports have sub-interfaces, which is the most that there may be"
        case .tooManyOuterTags:
            "\(TagTable.innerCapacity - 1) outer tags have inner ones, which is the most that there may be"
        }
    }
}
