// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Wire

/// The address space of a lookup table: the root's slots, then those of the groups, all zero until written.
///
/// Groups are reserved without access and opened piece by piece, so that no more is charged to the process
/// (`RLIMIT_AS` apart) than it uses, and `slots` never moves.
struct LookupMemory: ~Copyable {
    let slots: UnsafeMutablePointer<Atomic<UInt32>>
    private let mapping: UnsafeMutableRawPointer
    private let mappedBytes: Int
    private let usableBytes: Int

    /// The step in which group memory is opened: one transparent huge page.
    static let slotsPerHugePage = hugePage / slotSize
    private static let hugePage = 2 << 20
    private static let slotSize = MemoryLayout<Atomic<UInt32>>.stride

    init(maximumGroups: Int) throws(LookupTableError) {
        let rootSlots = IPv4LookupTable.Slot.rootSize
        let groupSlots = (maximumGroups + 1) * IPv4LookupTable.Slot.groupSize
        let usable = Self.roundedUp((rootSlots + groupSlots) * Self.slotSize)
        let start: UnsafeMutableRawPointer
        (mapping, start) = try Self.reserve(bytes: usable, open: Self.roundedUp((rootSlots + 1) * Self.slotSize))
        mappedBytes = usable + Self.hugePage
        usableBytes = usable
        slots = start.assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    deinit {
        munmap(mapping, mappedBytes)
    }

    /// Makes the slots from `index` on usable, up to the end of their huge page.
    func open(from index: Int) throws(LookupTableError) {
        let start = UnsafeMutableRawPointer(slots + index)
        guard mprotect(start, Self.hugePage, PROT_READ | PROT_WRITE) == 0 else {
            throw .noMemory(.ipv4, bytes: Self.hugePage, errno: errno)
        }
    }

    /// Bytes of the mapping that are in memory, as the kernel tells it. Pages that were read but never written
    /// count too, although they share the kernel's one page of zeros.
    var residentBytes: Int {
        let page = sysconf(Int32(_SC_PAGESIZE))
        var pages = [UInt8](repeating: 0, count: usableBytes / page)
        guard mincore(slots, usableBytes, &pages) == 0 else { return 0 }
        return pages.reduce(0) { $0 + Int($1 & 1) } * page
    }

    /// Maps `bytes` at a multiple of the huge page's size, and opens the first `open` of them.
    private static func reserve(
        bytes: Int, open: Int
    ) throws(LookupTableError) -> (mapping: UnsafeMutableRawPointer, start: UnsafeMutableRawPointer) {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let mapping = mmap(nil, bytes + hugePage, PROT_NONE, flags, -1, 0)
        guard let mapping, mapping != MAP_FAILED else { throw .noMemory(.ipv4, bytes: bytes, errno: errno) }
        let start = UnsafeMutableRawPointer(bitPattern: roundedUp(Int(bitPattern: mapping)))!
        // A hint: without huge pages everything works, with more TLB misses.
        _ = madvise(start, bytes, MADV_HUGEPAGE)
        guard mprotect(start, open, PROT_READ | PROT_WRITE) == 0 else {
            let code = errno
            munmap(mapping, bytes + hugePage)
            throw .noMemory(.ipv4, bytes: open, errno: code)
        }
        return (mapping, start)
    }

    private static func roundedUp(_ bytes: Int) -> Int {
        (bytes + hugePage - 1) / hugePage * hugePage
    }
}
