// SPDX-License-Identifier: Apache-2.0
import Wire

/// Hands out the groups of a lookup table and takes them back when no reader can be in them any more.
///
/// A retired group waits for a full grace period. At most one grace period is asked for at a time: groups
/// that are retired while it runs share the next one, so that withdrawing a full table costs two.
final class LookupGroups {
    private let maximum: Int
    private let afterQuiescence: AfterQuiescence
    /// The number of the group that would be the next never used one.
    private var fresh = IPv4LookupTable.Slot.headerGroup + 1
    private var free: [UInt32] = []
    /// Retired before the grace period that is running.
    private var waiting: [UInt32] = []
    /// Retired since.
    private var retiring: [UInt32] = []

    init(maximum: Int, afterQuiescence: @escaping AfterQuiescence) {
        self.maximum = maximum
        self.afterQuiescence = afterQuiescence
    }

    var retired: Int { waiting.count + retiring.count }
    var used: Int { Int(fresh - IPv4LookupTable.Slot.headerGroup) - 1 - free.count - retired }
    /// Bytes of the lists kept here.
    var memoryBytes: Int { (free.capacity + waiting.capacity + retiring.capacity) * MemoryLayout<UInt32>.stride }

    /// A group that no reader can see; its slots hold whatever they held.
    func take(from memory: borrowing LookupMemory) throws(LookupTableError) -> UInt32 {
        if let group = free.popLast() { return group }
        guard Int(fresh - IPv4LookupTable.Slot.headerGroup) <= maximum else {
            throw .full(.ipv4, used: used, retired: retired, maximum: maximum)
        }
        let first = IPv4LookupTable.Slot.group(fresh).lowerBound
        if first % LookupMemory.slotsPerHugePage == 0 { try memory.open(from: first) }
        defer { fresh += 1 }
        return fresh
    }

    /// Takes back a group to which no slot points any more, though readers may still be in it.
    func retire(_ group: UInt32) {
        retiring.append(group)
        if waiting.isEmpty { startGracePeriod() }
    }

    private func startGracePeriod() {
        swap(&waiting, &retiring)
        // Weak: the table may be gone by then, and its memory with it.
        afterQuiescence { [weak self] in self?.endGracePeriod() }
    }

    private func endGracePeriod() {
        free += waiting
        waiting.removeAll(keepingCapacity: waiting.count < 1024)
        if !retiring.isEmpty { startGracePeriod() }
    }
}
