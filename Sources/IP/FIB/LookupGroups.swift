// SPDX-License-Identifier: Apache-2.0
import Wire

/// Hands out the groups of a lookup table, pieces of equal size of its memory, and takes them back when no reader can
/// be in them any more.
///
/// A retired group waits for a full grace period. At most one grace period is asked for at a time: groups
/// that are retired while it runs share the next one, so that withdrawing a full table costs two.
final class LookupGroups {
    private let family: AddressFamily
    /// Where group 0 would be, a multiple of the memory's step.
    private let area: Int
    private let groupBytes: Int
    private let first: UInt32
    private let maximum: Int
    private let afterQuiescence: AfterQuiescence
    /// The number of the group that would be the next never used one.
    private var fresh: UInt32
    private var free: [UInt32] = []
    /// Retired before the grace period that is running.
    private var waiting: [UInt32] = []
    /// Retired since.
    private var retiring: [UInt32] = []

    /// Groups have the numbers from `first` on, and group n is `area + n * groupBytes` bytes into the memory.
    init(
        _ family: AddressFamily, area: Int = 0, groupBytes: Int, first: UInt32, maximum: Int,
        afterQuiescence: @escaping AfterQuiescence
    ) {
        self.family = family
        self.area = area
        self.groupBytes = groupBytes
        self.first = first
        self.maximum = maximum
        self.afterQuiescence = afterQuiescence
        fresh = first
    }

    var retired: Int { waiting.count + retiring.count }
    var used: Int { Int(fresh - first) - free.count - retired }
    /// Bytes of the lists kept here.
    var memoryBytes: Int { (free.capacity + waiting.capacity + retiring.capacity) * MemoryLayout<UInt32>.stride }

    /// A group that no reader can see; its slots hold whatever they held.
    func take(from memory: borrowing LookupMemory) throws(LookupTableError) -> UInt32 {
        if let group = free.popLast() { return group }
        guard Int(fresh - first) < maximum else {
            throw .full(family, used: used, retired: retired, maximum: maximum)
        }
        let offset = area + Int(fresh) * groupBytes
        if offset % LookupMemory.step == 0 { try memory.open(from: offset) }
        defer { fresh += 1 }
        return fresh
    }

    /// Takes back a group that no slot has pointed to since it was taken.
    func putBack(_ group: UInt32) { free.append(group) }

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
