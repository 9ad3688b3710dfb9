// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// The timers of a wheel: a pool of entries, named by index, in doubly linked rings.
///
/// The first entries are the heads of the lists. A list is a ring through its head, so that linking and unlinking have
/// no special cases. Entries lie in chunks which never move and are never given back.
final class TimerEntries {
    struct Entry {
        var next: UInt32
        var previous: UInt32
        /// Counts the lives of this entry, so that handles of earlier ones are recognised.
        var generation: UInt32
        var isLive: Bool
        var token: UInt64
        /// Milliseconds on the wheel's own scale.
        var deadline: UInt64
    }

    private static let chunkShift = 16
    private static let chunkCapacity = 1 << chunkShift
    /// 67 million timers, 2 GiB.
    private static let chunkLimit = 1 << 10

    private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
    private let listCount: UInt32
    /// Entries that were used at least once; memory behind them has not been touched.
    private var used: UInt32 = 0
    private var capacity: UInt32 = 0
    /// The first entry of the free list, 0 when it is empty: entry 0 is a list's head.
    private var free: UInt32 = 0
    private(set) var liveCount = 0

    init(listCount: Int) {
        self.listCount = UInt32(listCount)
        chunks = .allocate(capacity: TimerEntries.chunkLimit)
        chunks.initialize(repeating: nil, count: TimerEntries.chunkLimit)
        guard grow() else { fatalError("no memory for timers: 2 MiB are needed") }
        used = self.listCount
        for list in 0..<self.listCount {
            self[list].next = list
            self[list].previous = list
        }
    }

    deinit {
        for chunk in 0..<(Int(capacity) >> TimerEntries.chunkShift) {
            munmap(chunks[chunk], TimerEntries.chunkCapacity * MemoryLayout<Entry>.stride)
        }
        chunks.deallocate()
    }

    subscript(index: UInt32) -> Entry {
        @inline(__always) unsafeAddress { UnsafePointer(address(index)) }
        @inline(__always) unsafeMutableAddress { address(index) }
    }

    @inline(__always)
    private func address(_ index: UInt32) -> UnsafeMutablePointer<Entry> {
        chunks[Int(index) >> TimerEntries.chunkShift].unsafelyUnwrapped
            + (Int(index) & (TimerEntries.chunkCapacity - 1))
    }

    func isLive(_ handle: TimerHandle) -> Bool {
        guard handle.index >= listCount, handle.index < used else { return false }
        let entry = self[handle.index]
        return entry.isLive && entry.generation == handle.generation
    }

    // MARK: - The pool

    /// An entry in no list; nil when memory has run out.
    func take() -> UInt32? {
        let index: UInt32
        if free != 0 {
            index = free
            free = self[index].next
        } else {
            guard used < capacity || grow() else { return nil }
            index = used
            used += 1
        }
        self[index].isLive = true
        liveCount += 1
        return index
    }

    /// Takes back an entry that is in no list; its handles are stale from here on.
    func give(_ index: UInt32) {
        self[index].isLive = false
        self[index].generation &+= 1
        self[index].next = free
        free = index
        liveCount -= 1
    }

    private func grow() -> Bool {
        let chunk = Int(capacity) >> TimerEntries.chunkShift
        let bytes = TimerEntries.chunkCapacity * MemoryLayout<Entry>.stride
        // Pages of zeros: every entry begins with generation 0 and not alive.
        guard chunk < TimerEntries.chunkLimit, let memory = CMartletLinux_mapAnonymous(bytes, 0) else { return false }
        chunks[chunk] = memory.bindMemory(to: Entry.self, capacity: TimerEntries.chunkCapacity)
        capacity += UInt32(TimerEntries.chunkCapacity)
        return true
    }

    // MARK: - Lists

    /// The first entry of a list; the list's own number when it is empty.
    @inline(__always)
    func first(of list: UInt32) -> UInt32 { self[list].next }

    @inline(__always)
    func append(_ index: UInt32, to list: UInt32) {
        let last = self[list].previous
        self[index].next = list
        self[index].previous = last
        self[last].next = index
        self[list].previous = index
    }

    /// Takes an entry out of its list. Returns the list if that has become empty.
    @inline(__always) @discardableResult
    func unlink(_ index: UInt32) -> UInt32? {
        let next = self[index].next
        let previous = self[index].previous
        self[previous].next = next
        self[next].previous = previous
        return next == previous ? next : nil
    }

    /// Appends all of `list` to the end of `other`, in constant time.
    func move(all list: UInt32, behind other: UInt32) {
        let first = self[list].next
        guard first != list else { return }
        let last = self[list].previous
        let tail = self[other].previous
        self[tail].next = first
        self[first].previous = tail
        self[last].next = other
        self[other].previous = last
        self[list].next = list
        self[list].previous = list
    }
}
