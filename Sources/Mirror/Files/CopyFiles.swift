// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The rings by which copies get from workers to files: one for each worker and session that has a file.
///
/// A worker never waits: what does not fit in its ring is a lost copy, which it counts.
final class CopyFiles: @unchecked Sendable {
    /// Bytes of a ring: a few milliseconds of a fast port's frames, and half a second of a slow one's.
    private static let ringSize = 1 << 22

    /// By worker and session: the ring, or nil.
    private let rings: [UnsafeMutablePointer<UnsafeRawPointer?>]
    /// The same, held here. Control side only.
    private var owned: [UInt16: [ByteRing]] = [:]

    init(workerCount: Int) {
        rings = (0..<workerCount).map { _ in
            let table = UnsafeMutablePointer<UnsafeRawPointer?>.allocate(capacity: MonitorSessions.capacity)
            table.initialize(repeating: nil, count: MonitorSessions.capacity)
            return table
        }
    }

    deinit { for table in rings { table.deallocate() } }

    // MARK: - Control side

    /// Opens the session's way to its file, and returns the workers' rings.
    func open(_ session: UInt16) -> [ByteRing] {
        let new = rings.map { _ in ByteRing(byteCount: CopyFiles.ringSize) }
        owned[session] = new
        for (table, ring) in zip(rings, new) {
            table[Int(session)] = UnsafeRawPointer(Unmanaged.passUnretained(ring).toOpaque())
        }
        return new
    }

    /// Closes it: workers see no ring from their next dispatch loop on. The caller keeps the rings until then.
    func close(_ session: UInt16) {
        for table in rings { table[Int(session)] = nil }
        owned[session] = nil
    }

    // MARK: - Workers

    /// What a worker's nodes keep.
    func seat(_ worker: Int) -> Seat { Seat(rings: rings[worker]) }

    struct Seat: BitwiseCopyable, @unchecked Sendable {
        let rings: UnsafeMutablePointer<UnsafeRawPointer?>

        /// Passes a copy on to the session's file; false when there is no room for it, or no file any more.
        func write(_ bytes: Bytes, _ note: CopyNote) -> Bool {
            guard let ring = rings[Int(note.session) & (MonitorSessions.capacity &- 1)] else { return false }
            return Unmanaged<ByteRing>.fromOpaque(ring)._withUnsafeGuaranteedRef { ring in
                withUnsafeBytes(of: note) {
                    ring.send($0, UnsafeRawBufferPointer(start: bytes.start, count: bytes.count))
                }
            }
        }
    }
}
