// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Plays a capture file into the graph, once, as fast as the graph takes it.
///
/// Summary: the receive side of a `pcap` interface. The same file gives the same packets in the same frames.
/// Emits: frames as recorded. Records that don't fit in a buffer are counted as receive errors of the interface.
/// Config: `interfaces.NAME` with `type: pcap` and `read: FILE`.
public struct PcapInput: InputNode {
    public static let name = "pcap-rx"

    public enum Next: UInt16, NextNode {
        case ethernet

        public var node: String { "ethernet-input" }
    }

    /// Nil where the capture belongs to another worker.
    private let feed: CaptureFeed?

    init(_ feed: CaptureFeed?) { self.feed = feed }

    public var isFinished: Bool { feed?.isFinished ?? true }

    public mutating func poll(_ frame: Frame, _ context: Context) -> Bool { feed?.fill(frame, context) ?? false }

    public mutating func prepareToSleep() -> Bool { isFinished }
}

/// A capture that one worker reads.
final class CaptureFeed: @unchecked Sendable {
    private let reader: CaptureReader
    private let interface: InterfaceIndex
    private let capacity: Int
    private let clock: CaptureClock
    private let oversize: Notice
    private let failure: Notice
    private(set) var isFinished = false

    init(
        _ reader: CaptureReader, interface: InterfaceIndex, capacity: Int, clock: CaptureClock, oversize: Notice,
        failure: Notice
    ) {
        self.reader = reader
        self.interface = interface
        self.capacity = capacity
        self.clock = clock
        self.oversize = oversize
        self.failure = failure
    }

    /// Reads records into the frame until it is full. False when there was none.
    func fill(_ frame: Frame, _ context: Context) -> Bool {
        var bytes = 0
        while !isFinished, frame.room > 0, let packet = context.allocate() {
            guard let record = next(context) else {
                context.free(packet)
                break
            }
            packet.header.data.copyMemory(from: record.bytes.start, byteCount: record.bytes.count)
            packet.header.length = UInt32(truncatingIfNeeded: record.bytes.count)
            packet.header.rxInterface = interface
            clock.set(record.nanoseconds, for: context.index(of: packet))
            frame.append(context.index(of: packet))
            bytes &+= record.bytes.count
        }
        context.countReceived(packets: frame.count, bytes: bytes, interface: interface)
        return frame.count > 0
    }

    /// The next record that fits in a buffer; nil at the end, which a broken record is too.
    private func next(_ context: Context) -> CaptureReader.Record? {
        do {
            while let record = try reader.next() {
                if record.bytes.count <= capacity { return record }
                context.countErrors(rx: 1, interface: interface)
                oversize.say(
                    "\(reader.path): packet \(reader.recordCount) has \(record.bytes.count) bytes, buffers hold "
                        + "\(capacity); it and others like it are left out and counted as rx errors: "
                        + "set a larger `buffers.size`")
            }
        } catch {
            context.countErrors(rx: 1, interface: interface)
            failure.say("\(error)")
        }
        isFinished = true
        return nil
    }
}
