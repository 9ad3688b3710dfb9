// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph

/// Where the mirror nodes find what is wanted of a packet, by its interface and direction.
///
/// The memory is reserved for all interfaces and taken page by page; a change is one store.
struct RuleTable: BitwiseCopyable, @unchecked Sendable {
    /// A power of two.
    static let ruleCapacity = 1 << 16

    /// By direction and interface: the number of its first rule, 0 for none.
    private let heads: UnsafeMutablePointer<UInt32>
    /// By interface: the port of whose sub-interfaces some are sources, itself or the bundle that it belongs to; 0 for none.
    private let taggedPorts: UnsafeMutablePointer<InterfaceIndex>
    private let rules: UnsafeMutablePointer<CopyRule>

    init() {
        heads = RuleTable.map(2 * InterfaceTable.capacity)
        taggedPorts = RuleTable.map(InterfaceTable.capacity)
        rules = RuleTable.map(RuleTable.ruleCapacity)
    }

    private static func map<T: BitwiseCopyable>(_ count: Int) -> UnsafeMutablePointer<T> {
        guard let memory = CMartletLinux_mapAnonymous(count * MemoryLayout<T>.stride, 0) else {
            fatalError("no address space for the tables of mirrors")
        }
        return memory.bindMemory(to: T.self, capacity: count)
    }

    func unmap() {
        munmap(heads, 2 * InterfaceTable.capacity * MemoryLayout<UInt32>.stride)
        munmap(taggedPorts, InterfaceTable.capacity * MemoryLayout<InterfaceIndex>.stride)
        munmap(rules, RuleTable.ruleCapacity * MemoryLayout<CopyRule>.stride)
    }

    @inline(__always)
    func head(_ direction: CopyNote.Direction, _ interface: InterfaceIndex) -> UnsafeMutablePointer<UInt32> {
        heads
            + (Int(direction.rawValue) &* InterfaceTable.capacity &+ (Int(interface) & (InterfaceTable.capacity &- 1)))
    }

    @inline(__always)
    func taggedPort(of interface: InterfaceIndex) -> UnsafeMutablePointer<InterfaceIndex> {
        taggedPorts + (Int(interface) & (InterfaceTable.capacity &- 1))
    }

    /// A place in the table; what stands there does not change while a packet may be at it.
    @inline(__always)
    func rule(_ number: UInt32) -> UnsafePointer<CopyRule> { UnsafePointer(place(number)) }

    @inline(__always)
    fileprivate func place(_ number: UInt32) -> UnsafeMutablePointer<CopyRule> {
        rules + (Int(number) & (RuleTable.ruleCapacity &- 1))
    }
}

/// The control side of the rule table: puts a whole new set of rules in the place of the old one.
@ControlPlane
final class RuleStore {
    /// A place where packets are looked at.
    struct Place: Hashable {
        let direction: CopyNote.Direction
        let interface: InterfaceIndex
    }

    nonisolated let table = RuleTable()
    private let engine: Engine
    private var free: [UInt32] = []
    private var used: UInt32 = 1
    private var numbers: [Place: [UInt32]] = [:]
    private var taggedPorts: [InterfaceIndex: InterfaceIndex] = [:]

    init(engine: Engine) { self.engine = engine }

    isolated deinit { table.unmap() }

    /// How many rules there may be at a time; while one set replaces another, both are there.
    static let limit = RuleTable.ruleCapacity / 2 - 1

    /// From here on these rules hold, each place's in this order. At most `limit`.
    /// - Parameter tagged: Ports, with the one whose tags tell their frames' sub-interfaces.
    func replace(_ rules: [Place: [CopyRule]], taggedPorts tagged: [InterfaceIndex: InterfaceIndex]) {
        var retired: [UInt32] = []
        for (place, numbers) in numbers where rules[place] == nil {
            table.head(place.direction, place.interface).pointee = 0
            retired += numbers
        }
        for (place, rules) in rules {
            retired += numbers[place] ?? []
            let chain = rules.map { _ in take() }
            for (position, rule) in rules.enumerated() {
                var rule = rule
                rule.next = position + 1 < chain.count ? chain[position + 1] : 0
                table.place(chain[position]).pointee = rule
            }
            table.head(place.direction, place.interface).pointee = chain.first ?? 0
            numbers[place] = chain
        }
        numbers = numbers.filter { rules[$0.key] != nil }
        for port in taggedPorts.keys where tagged[port] == nil { table.taggedPort(of: port).pointee = 0 }
        for (port, parent) in tagged { table.taggedPort(of: port).pointee = parent }
        taggedPorts = tagged
        if !retired.isEmpty { engine.retire { [weak self] in self?.free += retired } }
    }

    private func take() -> UInt32 {
        if let number = free.popLast() { return number }
        defer { used += 1 }
        precondition(used < RuleTable.ruleCapacity, "there are more rules than were let in")
        return used
    }
}
