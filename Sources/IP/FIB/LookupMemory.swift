// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Wire

/// The address space of a lookup table, all zero until written.
///
/// It is reserved without access and opened piece by piece, so that no more is charged to the process (`RLIMIT_AS`
/// apart) than it uses, and never moves.
struct LookupMemory: ~Copyable {
    /// A multiple of `step`.
    let start: UnsafeMutableRawPointer
    private let family: AddressFamily
    private let mapping: UnsafeMutableRawPointer
    private let mappedBytes: Int
    private let usableBytes: Int

    /// The step in which memory is opened: one transparent huge page.
    static let step = 2 << 20

    /// - Parameters:
    ///   - opened: How many bytes at the beginning are usable at once.
    ///   - hugePages: Where huge pages are wanted: a hint. Without them everything works, with more TLB misses.
    init(
        _ family: AddressFamily, bytes: Int, opened: Int, hugePages: [Range<Int>]
    ) throws(LookupTableError) {
        let usable = Self.roundedUp(bytes)
        (mapping, start) = try Self.reserve(family, usable, opened: Self.roundedUp(opened))
        self.family = family
        usableBytes = usable
        mappedBytes = usable + Self.step
        _ = madvise(start, usable, MADV_NOHUGEPAGE)
        for range in hugePages where !range.isEmpty {
            _ = madvise(start + range.lowerBound, range.count, MADV_HUGEPAGE)
        }
    }

    deinit {
        munmap(mapping, mappedBytes)
    }

    /// The memory as slots, from `start` on.
    var slots: UnsafeMutablePointer<Atomic<UInt32>> { start.assumingMemoryBound(to: Atomic<UInt32>.self) }

    /// Makes the step that begins at `offset` usable.
    func open(from offset: Int) throws(LookupTableError) {
        guard mprotect(start + offset, Self.step, PROT_READ | PROT_WRITE) == 0 else {
            throw .noMemory(family, bytes: Self.step, errno: errno)
        }
    }

    /// Bytes of the mapping that are in memory, as the kernel tells it. Pages that were read but never written
    /// count too, although they share the kernel's one page of zeros.
    var residentBytes: Int {
        let page = sysconf(Int32(_SC_PAGESIZE))
        var pages = [UInt8](repeating: 0, count: usableBytes / page)
        guard mincore(start, usableBytes, &pages) == 0 else { return 0 }
        return pages.reduce(0) { $0 + Int($1 & 1) } * page
    }

    /// Maps `bytes` at a multiple of the step, and a step more, and opens the first `opened` of them.
    private static func reserve(
        _ family: AddressFamily, _ bytes: Int, opened: Int
    ) throws(LookupTableError) -> (mapping: UnsafeMutableRawPointer, start: UnsafeMutableRawPointer) {
        let mapping = mmap(nil, bytes + step, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let mapping, mapping != MAP_FAILED else { throw .noMemory(family, bytes: bytes, errno: errno) }
        let start = UnsafeMutableRawPointer(bitPattern: roundedUp(Int(bitPattern: mapping)))!
        guard mprotect(start, opened, PROT_READ | PROT_WRITE) == 0 else {
            let code = errno
            munmap(mapping, bytes + step)
            throw .noMemory(family, bytes: opened, errno: code)
        }
        return (mapping, start)
    }

    static func roundedUp(_ bytes: Int) -> Int {
        (bytes + step - 1) / step * step
    }
}
