// SPDX-License-Identifier: Apache-2.0
import Graph
import Synchronization
import Wire

/// Writes packets to a capture file.
///
/// Summary: the transmit side of a `pcap` interface. The file is complete up to the last dispatch loop at any time.
/// Expects: complete frames.
/// Drops: `captureFailed`.
/// Config: `interfaces.NAME` with `type: pcap` and `write: FILE`; without it packets are taken and forgotten.
public struct PcapOutput: OutputNode {
    public static let name = "pcap-tx"

    public enum Reason: UInt16, DropReason {
        case captureFailed

        public var text: String { "the capture file cannot be written" }
    }

    private let sink: CaptureSink

    init(_ sink: CaptureSink) { self.sink = sink }

    public mutating func process(_ frame: Frame, _ context: Context) {
        sink.write(frame, context)
    }

    public mutating func flush(_ context: Context) -> Bool {
        sink.flush()
        return true
    }
}

/// A capture file that workers write to.
///
/// Workers share it behind a lock, taken once per frame: a capture is for tests and for looking at packets, and its
/// order matters more than its speed.
final class CaptureSink: @unchecked Sendable {
    private let lock = Mutex(())
    /// These two are touched with the lock held.
    private let writer: CaptureWriter
    /// The first error. After it nothing more is written: a capture with holes in it would lie.
    private var failure: CaptureError?

    private let interface: InterfaceIndex
    private let clock: CaptureClock
    private let notice: Notice

    init(_ writer: CaptureWriter, interface: InterfaceIndex, clock: CaptureClock, notice: Notice) {
        self.writer = writer
        self.interface = interface
        self.clock = clock
        self.notice = notice
    }

    /// Writes a frame's packets and frees those that were written; decides about all.
    func write(_ frame: Frame, _ context: Context) {
        let written = lock.withLock { _ in
            for position in 0..<frame.count {
                let packet = context.packet(frame[position])
                let time = clock.take(packet, frame[position], number: writer.recordCount)
                guard write(packet.bytes, nanoseconds: time) else { return position }
            }
            return frame.count
        }
        for position in 0..<frame.count {
            let verdict: Verdict<NoNext, PcapOutput.Reason> = position < written ? .kept : .drop(.captureFailed)
            context.decide(position, verdict)
        }
        context.free(frame.indices, count: written)
        if written < frame.count { context.countErrors(tx: frame.count &- written, interface: interface) }
    }

    private func write(_ bytes: Bytes, nanoseconds: UInt64) -> Bool {
        guard failure == nil else { return false }
        do throws(CaptureError) { try writer.write(bytes, nanoseconds: nanoseconds) } catch { failure = error }
        return failure == nil
    }

    /// Hands what was written to the kernel. The operator is told of an error here.
    func flush() {
        lock.withLock { _ in
            if failure == nil {
                do throws(CaptureError) { try writer.flush() } catch { failure = error }
            }
            if let failure { notice.say("\(failure); packets to it are dropped from now on") }
        }
    }
}
