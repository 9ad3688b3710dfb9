// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import Ethernet

/// Which sub-interface takes which frame, when several could.
@Suite @ControlPlane struct TagTableTests {
    private typealias Tag = (type: EtherType, vlan: UInt16)

    private nonisolated static func c(_ vlan: UInt16) -> Tag { (.vlan, vlan) }
    private nonisolated static func s(_ vlan: UInt16) -> Tag { (.serviceVLAN, vlan) }

    private nonisolated static func frame(_ tags: [Tag]) -> [UInt8] {
        var bytes = [UInt8](repeating: 2, count: 12)
        for tag in tags {
            // The priority is all ones: it must not matter.
            bytes += [UInt8(tag.type.rawValue >> 8), UInt8(tag.type.rawValue & 255)]
            bytes += [0xf0 | UInt8(tag.vlan >> 8), UInt8(tag.vlan & 255)]
        }
        return bytes + [0x88, 0xb5, 1, 2, 3, 4]
    }

    /// Sub-interfaces 1, 2, ... of one port, and another port that has none.
    @ControlPlane private final class Port {
        let filler = TagFiller()
        let port: UInt32

        init(_ matches: [TagMatch], order: [Int]? = nil) throws {
            _ = try filler.addPort()
            port = try filler.addPort()
            for number in order ?? Array(matches.indices) {
                try filler.insert(UInt32(number + 1), matches[number], port: port)
                filler.table.subinterface(UInt32(number + 1)).pointee.takesDeeper = matches[number].takesDeeper
            }
        }

        deinit { filler.table.unmap() }

        func classify(_ bytes: [UInt8]) -> TagClass {
            var bytes = bytes
            return bytes.withUnsafeMutableBytes {
                filler.table.classify(Bytes(start: $0.baseAddress!, count: $0.count), port: port)
            }
        }

        func owner(_ tags: Tag...) -> UInt32 { classify(TagTableTests.frame(tags)).interface }
    }

    private nonisolated static func vlans(_ text: String) -> VLANSet { VLANSet(text)! }

    private nonisolated static func match(
        _ outer: String, _ inner: String? = nil, type: EtherType = .vlan, deeper: Bool = false
    ) -> TagMatch {
        TagMatch(.tag(type, vlans(outer)), inner: inner.map { vlans($0) }, takesDeeper: deeper)
    }

    /// The first that takes a frame by the rules as they are written: outer tag first, given VLANs before any before deeper.
    private static func expected(_ matches: [TagMatch], _ tags: [Tag]) -> UInt32 {
        func rank(_ match: TagMatch) -> Int? {
            guard case .tag(let type, let outer) = match.outer else {
                if match.outer == .untagged { return tags.isEmpty || tags.count == 1 && tags[0] == c(0) ? 1 : nil }
                return 0
            }
            guard let first = tags.first, first.type == type, outer.takes(first.vlan) else { return nil }
            let base = outer.isAny ? 10 : 20
            guard tags.count > 1 else { return match.inner == nil ? base : nil }
            guard let inner = match.inner else { return match.takesDeeper ? base : nil }
            guard tags[1].type == .vlan, inner.takes(tags[1].vlan) else { return nil }
            return base + (inner.isAny ? 1 : 2)
        }
        let ranked = matches.indices.compactMap { number in rank(matches[number]).map { (rank: $0, number: number) } }
        guard let best = ranked.max(by: { $0.rank < $1.rank }) else { return 0 }
        // With more than two tags the first two choose, and the chosen one has to take them.
        let isTaken = tags.count < 3 || best.rank == 0 || matches[best.number].takesDeeper
        if isTaken { return UInt32(best.number + 1) }
        return UInt32((matches.firstIndex { $0.outer == .others } ?? -1) + 1)
    }

    private nonisolated static let sets: [[TagMatch]] = [
        [match("7"), match("5-10,12", type: .serviceVLAN), match("any"), TagMatch(.others), TagMatch(.untagged)],
        [match("7", "3"), match("7", "any"), match("7", deeper: true), match("any", "3"), match("any", "any")],
        [match("7", "3"), match("6-8", deeper: true), match("any", "1-4,3000"), TagMatch(.others)],
        [match("5-10", "3"), match("7", "any", deeper: true), match("any", deeper: true), TagMatch(.untagged)],
        [match("any", "any"), match("7", "5"), match("8", "any"), match("any", deeper: true), match("9", "3-5")],
        [match("any", deeper: true), match("any", "any", deeper: true), match("any", "3"), match("6-9", "4")],
        [match("any", type: .serviceVLAN), match("any", "any", type: .serviceVLAN), match("7"), TagMatch(.others)],
        [match("1-4094", "1-4094"), match("any", deeper: true)],
    ]

    @Test(arguments: sets.indices) func `the most specific one wins, whatever the order`(set: Int) throws {
        let matches = Self.sets[set]
        let orders = [
            Array(matches.indices), matches.indices.reversed(), Array(matches.indices.dropFirst()) + [0],
            matches.indices.sorted { ($0 * 3) % 5 < ($1 * 3) % 5 },
        ]
        let firsts =
            [Self.c(0), Self.s(0), Self.c(4095)]
            + [5, 6, 7, 8, 9, 10, 11, 12, 4094].flatMap { [Self.c($0), Self.s($0)] }
        let seconds = [0, 1, 3, 4, 5, 6, 3000, 4094, 4095].map { Self.c($0) } + [Self.s(3)]
        let stacks =
            [[]] + firsts.map { [$0] } + firsts.flatMap { first in seconds.map { [first, $0] } }
            + firsts.flatMap { first in seconds.map { [first, $0, Self.c(3)] } }
        for order in orders {
            let port = try Port(matches, order: order)
            for tags in stacks {
                let found = port.classify(Self.frame(tags)).interface
                let expected = Self.expected(matches, tags)
                #expect(found == expected, "\(tags.map { "\($0.type.tagName) \($0.vlan)" }), order \(order)")
            }
        }
    }

    @Test func `what is nobody's says why`() throws {
        let port = try Port([Self.match("7"), Self.match("8", "3")])
        func outcome(_ tags: Tag...) -> TagClass.Outcome { port.classify(Self.frame(tags)).outcome }
        #expect(outcome() == .untagged && outcome(Self.c(0)) == .untagged)
        #expect(outcome(Self.c(9)) == .unknown && outcome(Self.s(0)) == .unknown)
        #expect(outcome(Self.c(0), Self.c(7)) == .unknown && outcome(Self.c(7), Self.c(3)) == .unknown)
        #expect(outcome(Self.c(8), Self.s(3)) == .unknown && outcome(Self.c(8), Self.c(3)) == .found)
        #expect(outcome(Self.c(8), Self.c(3), Self.c(3)) == .tooDeep)
    }

    @Test func `tags cut off by the end of the frame are not looked at`() throws {
        let port = try Port([Self.match("7"), Self.match("8", "3"), Self.match("9", deeper: true), TagMatch(.others)])
        for tags in [[Self.c(7)], [Self.c(8), Self.c(3)], [Self.c(9), Self.c(1), Self.c(1)]] {
            let whole = Self.frame(tags)
            let cut = 14 + 4 * min(tags.count, 2)
            for length in 14..<cut { #expect(port.classify(Array(whole.prefix(length))).outcome == .truncated) }
            #expect(port.classify(Array(whole.prefix(cut))).outcome == .found)
        }
    }

    @Test func `where the packet begins, and how long a frame may be`() throws {
        let port = try Port([Self.match("7"), Self.match("8", "3"), TagMatch(.untagged), TagMatch(.others)])
        func found(_ tags: Tag...) -> TagClass { port.classify(Self.frame(tags)) }
        #expect(found().offset == 14 && found(Self.c(0)).offset == 18)
        #expect(found(Self.c(7)).offset == 18 && found(Self.c(8), Self.c(3)).offset == 22)
        #expect(found(Self.c(7)).type == 0x88b5 && found(Self.c(8), Self.c(3)).type == 0x88b5)
        // One tag does not make the packet shorter; those of the sub-interface itself do not count for its MTU.
        #expect(found().limit(mtu: 1500, spare: 4) == 1514)
        #expect(found(Self.c(7)).limit(mtu: 1500, spare: 4) == 1518)
        #expect(found(Self.c(8), Self.c(3)).limit(mtu: 1496, spare: 8) == 1518)
        #expect(found(Self.c(1), Self.c(1)).limit(mtu: 1500, spare: 4) == 1518)
    }

    @Test func `equal claims clash, also inside of ranges`() throws {
        let pairs = [
            (Self.match("7"), Self.match("5-10"), "dot1q 7"), (Self.match("any"), Self.match("any"), "dot1q 1"),
            (Self.match("7", "any"), Self.match("5-10", "any"), "dot1q 7 second-dot1q 1"),
            (Self.match("5-7", "3"), Self.match("7-9", "1-4"), "dot1q 7 second-dot1q 3"),
            (Self.match("7"), Self.match("7", deeper: true), "dot1q 7"),
            (TagMatch(.untagged), TagMatch(.untagged), "untagged"), (TagMatch(.others), TagMatch(.others), "default"),
        ]
        for (one, other, frames) in pairs {
            for matches in [[one, other], [other, one]] {
                let clash = #expect(throws: TagFiller.Clash.self) { try Port(matches) }
                #expect(clash?.owner == 1 && clash?.frames.description == frames)
            }
        }
        let others: [[TagMatch]] = [
            [Self.match("7"), Self.match("7", type: .serviceVLAN)], [Self.match("7"), Self.match("7", "any")],
            [Self.match("5", "3"), Self.match("6-9", "3")], [Self.match("1-4094"), Self.match("any")],
            [TagMatch(.untagged), TagMatch(.others)],
        ]
        for matches in others { _ = try Port(matches) }
    }

    /// A port's every outer VLAN with the same inner ones has one array, and one of its own where it differs.
    @Test func `places that are the same share an array`() throws {
        var matches = (1...50).map { Self.match("any", "\($0)") }
        matches.append(Self.match("7", "9"))
        let port = try Port(matches)
        let places = (1...4094).map { port.filler.table.outer(port.port, isService: false, $0).pointee.inner }
        #expect(Set(places).count == 2 && places[6] != places[7] && places[7] == places[4093])
        #expect(port.owner(Self.c(7), Self.c(9)) == 51 && port.owner(Self.c(7), Self.c(10)) == 10)
        #expect(port.owner(Self.c(8), Self.c(9)) == 9)
        // Without arrays: all inner VLANs are one sub-interface's.
        let plain = try Port((1...4094).map { Self.match("\($0)", deeper: true) })
        #expect(plain.filler.table.outer(plain.port, isService: false, 9).pointee.inner.isAll)
        #expect(plain.owner(Self.c(9), Self.s(3), Self.c(1)) == 9)
    }
}

extension VLANSet {
    fileprivate func takes(_ vlan: UInt16) -> Bool { ranges.contains { $0.contains(vlan) } }
}
