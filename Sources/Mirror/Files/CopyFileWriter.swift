// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph
import Interfaces

/// Where a session's copies go instead of to an interface.
struct FileDestination: Sendable, Equatable {
    static let smallestLimit = 1 << 16

    let path: String
    /// Bytes of one file; nil for no limit.
    var limit: Int?
    /// With more than one, a full file becomes PATH.1, that one PATH.2 and so on, and the oldest goes; with one, a full file is
    /// the end.
    var files = 1
}

/// Takes a session's copies out of the workers' rings and writes them to its pcapng file.
@ControlPlane
final class CopyFileWriter {
    /// Milliseconds between two looks into the rings.
    static let interval = 10

    let destination: FileDestination
    /// Why nothing is written any more.
    private(set) var problem: String?
    private let session: String
    private let rings: [ByteRing]
    private let interfaceName: (InterfaceIndex) -> String
    private var writer: PcapngWriter?
    /// Interfaces that the file declares, with their numbers in it.
    private var numbers: [InterfaceIndex: UInt32] = [:]

    init(
        _ destination: FileDestination, session: String, rings: [ByteRing],
        interfaceName: @escaping @ControlPlane (InterfaceIndex) -> String
    ) {
        self.destination = destination
        self.session = session
        self.rings = rings
        self.interfaceName = interfaceName
        attempt { () throws(CaptureError) in writer = try create() }
    }

    private func create() throws(CaptureError) -> PcapngWriter {
        try PcapngWriter(path: destination.path, comment: "monitor-session \(session)")
    }

    /// Writes what the rings hold, in the order of time as far as each ring goes.
    /// - Returns: How many copies there were.
    @discardableResult
    func drain() -> Int {
        let clock = ClockOffset()
        var count = 0
        for ring in rings {
            // What comes in meanwhile waits for the next time.
            for _ in 0..<CopyFileWriter.batch {
                guard ring.receive({ message in write(message, clock) }) else { break }
                count += 1
            }
        }
        if count > 0 { attempt { () throws(CaptureError) in try writer?.flush() } }
        return count
    }

    private static let batch = 1 << 16

    private func write(_ message: UnsafeRawBufferPointer, _ clock: ClockOffset) {
        guard problem == nil else { return }
        let note = message.loadUnaligned(as: CopyNote.self)
        let frame = UnsafeRawBufferPointer(rebasing: message[MemoryLayout<CopyNote>.size...])
        attempt { () throws(CaptureError) in
            if let limit = destination.limit, let writer,
                writer.byteCount + PcapngWriter.size(ofFrame: frame.count) > limit
            {
                try makeRoom()
            }
            guard let writer else { return }
            try writer.write(
                frame, interface: number(of: note.source, writer), nanoseconds: clock.nanoseconds(note.clock),
                wireLength: note.originalLength, direction: note.direction == .rx ? .inbound : .outbound)
        }
    }

    private func number(of interface: InterfaceIndex, _ writer: PcapngWriter) -> UInt32 {
        if let number = numbers[interface] { return number }
        let number = writer.addInterface(interfaceName(interface))
        numbers[interface] = number
        return number
    }

    /// The file is full: begins another, or ends.
    private func makeRoom() throws(CaptureError) {
        try writer?.close()
        writer = nil
        numbers = [:]
        guard destination.files > 1 else {
            problem = "the file '\(destination.path)' is full"
            return
        }
        let path = destination.path
        for number in stride(from: destination.files - 1, to: 1, by: -1) {
            rename("\(path).\(number - 1)", "\(path).\(number)")
        }
        rename(path, "\(path).1")
        writer = try create()
    }

    private func attempt(_ body: () throws(CaptureError) -> Void) {
        guard problem == nil else { return }
        do {
            try body()
        } catch {
            problem = "\(error)"
            writer = nil
        }
    }

    /// Writes what is left, and closes the file. No worker writes to the rings any more.
    func close() {
        drain()
        attempt { () throws(CaptureError) in try writer?.close() }
        writer = nil
    }
}

/// Turns clocks into the time of day.
private struct ClockOffset {
    private let clock = Clock.now
    private let nanoseconds: UInt64

    init() {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        nanoseconds = UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// Since 1970.
    func nanoseconds(_ then: UInt64) -> UInt64 {
        guard clock > then else { return nanoseconds }
        return nanoseconds &- UInt64(Clock.seconds(clock &- then) * 1e9)
    }
}
