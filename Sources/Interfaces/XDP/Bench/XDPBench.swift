// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// End-to-end measurement over AF_XDP: what was offered to a router, what it delivered, in which order.
public enum XDPBench {
    /// What one run gave.
    public struct Outcome: Sendable, Hashable {
        /// Packets that the kernel took for sending.
        public var offered: UInt64
        public var delivered: UInt64
        /// Packets that came after a later one of their flow.
        public var reordered: UInt64
        /// Packets that came within the measured time, and that time.
        public var deliveredInTime: UInt64
        public var seconds: Double

        public var lost: UInt64 { offered > delivered ? offered &- delivered : 0 }
        /// Millions of packets per second that arrived.
        public var rate: Double { Double(deliveredInTime) / seconds / 1e6 }
    }

    /// Sends from one device and receives on another, on the calling thread, while a router works between them.
    ///
    /// - Parameters:
    ///   - sender: Device to send from, in the calling thread's network namespace.
    ///   - sink: Device to receive on.
    ///   - rate: Packets per second; nil for as many as the kernel takes.
    ///   - seconds: Time of sending, after a tenth of it to warm up.
    public static func measure(
        from sender: String, to sink: String, frame: BenchFrame = BenchFrame(), rate: Double? = nil, seconds: Double
    ) throws(XDPError) -> Outcome {
        var sink = try BenchSink(device: sink, frame: frame)
        var sender = try BenchSender(device: sender, frame: frame)
        let start = now()
        let measured = start + seconds * 0.1
        let end = measured + seconds
        var before: UInt64?
        var handed: UInt64 = 0
        var time = start
        while time < end {
            let due = rate.map { UInt64((time - start) * $0) } ?? .max
            if due > handed { handed &+= UInt64(sender.send(upTo: Int(min(due &- handed, 256)))) }
            while sink.receive() == 256 {}
            if before == nil, time >= measured { before = sink.received }
            time = now()
        }
        let inTime = sink.received &- (before ?? 0)
        // The last packets are under way: wait for them, but not for ever for those that were lost.
        let patience = now() + 0.3
        while now() < patience, sink.received < handed {
            sender.send(upTo: 0)
            sink.receive()
        }
        return Outcome(
            offered: sender.sent, delivered: sink.received, reordered: sink.reordered, deliveredInTime: inTime,
            seconds: time - measured)
    }

    /// The floor: an empty forwarding loop between two veth pairs, in a network namespace of its own. Needs root.
    ///
    /// - Parameter cores: The core of the loop, and the core of sender and sink.
    public static func floor(
        frame: BenchFrame = BenchFrame(), rate: Double? = nil, seconds: Double = 2,
        cores: (loop: Int, ends: Int) = (1, 0)
    ) throws -> Outcome {
        try NetworkNamespace.withNew {
            let mtu = max(1500, frame.length - 14)
            _ = try VethPair("bench0", "bench1", mtu: mtu)
            _ = try VethPair("bench3", "bench2", mtu: mtu)
            let loop = BenchThread(core: cores.loop) { (thread) throws(XDPError) in
                var forwarder = try BenchForwarder(between: "bench1", and: "bench2", frameLength: frame.length)
                thread.isReady = true
                while !thread.shouldStop { forwarder.step() }
            }
            defer { loop.stop() }
            try loop.waitUntilReady()
            return try BenchThread.run(core: cores.ends) { () throws(XDPError) in
                try measure(from: "bench0", to: "bench3", frame: frame, rate: rate, seconds: seconds)
            }
        }
    }

    /// Seconds on a clock that only goes forward.
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
