// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What one part of the router has of memory.
public struct MemoryUse: Sendable, Encodable {
    public let name: String
    /// Bytes of address space that it reserved.
    public let bytes: Int
    /// Bytes of it that were touched so far; nil when nobody counts them.
    public let residentBytes: Int?
}

/// The pool's buffers at one moment. While workers run the parts are read one after the other: their sum is near enough.
public struct BufferUse: Sendable {
    public let total: Int
    /// Free, for any worker to take.
    public let depot: Int
    /// Free, per worker.
    public let caches: [Int]
    /// In frames and with devices.
    public var inUse: Int { max(0, total - depot - caches.reduce(0, +)) }
}

extension Engine {
    /// Where the buffers are. Workers go on meanwhile: the numbers are of about one moment.
    public func bufferUse() -> BufferUse {
        BufferUse(total: pool.count, depot: pool.depotCount, caches: workers.map { $0.cache.count })
    }

    /// What the engine and its features hold of memory, the engine's own first.
    public func memoryUse() -> [MemoryUse] {
        let headerBytes = pool.count * MemoryLayout<BufferHeader>.stride
        let frameBytes = workers.count * FramePool.count * Frame.byteSize
        let own = [
            mapped("buffers", pool.memory, pool.byteCount),
            mapped("buffer headers", UnsafeMutableRawPointer(pool.headers), headerBytes),
            MemoryUse(name: "frames", bytes: frameBytes, residentBytes: nil),
            mapped("counters", stats.memory, StatsSegment.byteCount),
        ]
        return own + memoryReports.map { MemoryUse(name: $0.name, bytes: $0.bytes(), residentBytes: nil) }
    }

    /// Has `show memory` list what a feature holds.
    /// - Parameter bytes: Called for each report; must not take long.
    public func addMemoryReport(_ name: String, bytes: @escaping @ControlPlane () -> Int) {
        memoryReports.append((name, bytes))
    }

    private func mapped(_ name: String, _ memory: UnsafeMutableRawPointer, _ bytes: Int) -> MemoryUse {
        MemoryUse(name: name, bytes: bytes, residentBytes: residentBytes(memory, bytes))
    }

    /// How much of a mapping has memory behind it; nil when the kernel does not say.
    private func residentBytes(_ memory: UnsafeMutableRawPointer, _ bytes: Int) -> Int? {
        let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
        var pages = [UInt8](repeating: 0, count: (bytes + pageSize - 1) / pageSize)
        guard mincore(memory, bytes, &pages) == 0 else { return nil }
        return pages.reduce(0) { $0 + Int($1 & 1) } * pageSize
    }
}
