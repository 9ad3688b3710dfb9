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

    /// Sends from one device and counts at another while a router works between them. Waits on the calling thread.
    ///
    /// - Parameters:
    ///   - sender: Device to send from, in the calling thread's network namespace.
    ///   - sink: Device that the packets should arrive at.
    ///   - rate: Packets per second; nil for more than the router can take (`BenchFlood`).
    ///   - seconds: Time of measurement, after a tenth of it to warm up.
    ///   - core: Where the sender works.
    public static func measure(
        from sender: String, to sink: String, frame: BenchFrame = BenchFrame(), rate: Double? = nil, seconds: Double,
        core: Int = 0
    ) throws(XDPError) -> Outcome {
        let sink = try BenchSink(device: sink, frame: frame)
        let senders =
            if let rate {
                [pace(sender, frame, rate: rate, core: core)]
            } else {
                // One sends while the kernel cleans up after the other.
                [0, frame.flows].map { flood(sender, frame, firstFlow: $0, core: core) }
            }
        defer { for sender in senders { sender.stop() } }
        for sender in senders { try sender.waitUntilReady() }
        sleep(seconds * 0.1)
        let (start, before) = (now(), sink.arrived.received)
        sleep(seconds)
        let (end, after) = (now(), sink.arrived.received)
        for sender in senders { sender.stop() }
        // The last packets are under way.
        sleep(0.1)
        let arrived = sink.arrived
        return Outcome(
            offered: senders.reduce(0) { $0 &+ $1.progress }, delivered: arrived.received,
            reordered: arrived.reordered, deliveredInTime: after &- before, seconds: end - start)
    }

    /// Sends frames evenly: those that are due, in each turn.
    private static func pace(_ device: String, _ frame: BenchFrame, rate: Double, core: Int) -> BenchThread {
        BenchThread(core: core) { (thread) throws(XDPError) in
            var sender = try BenchSender(device: device, frame: frame)
            thread.isReady = true
            let start = now()
            while !thread.shouldStop {
                let due = UInt64((now() - start) * rate)
                sender.send(upTo: Int(due &- min(sender.sent, due)))
            }
            thread.progress = sender.sent
        }
    }

    /// Sends as many frames as the core can, a tenth of a second's worth at a time.
    private static func flood(_ device: String, _ frame: BenchFrame, firstFlow: Int, core: Int) -> BenchThread {
        BenchThread(core: core) { (thread) throws(XDPError) in
            let flood = try BenchFlood(device: device, frame: frame, firstFlow: firstFlow)
            thread.isReady = true
            while !thread.shouldStop { try flood.send(200_000) }
            thread.progress = flood.sent
        }
    }

    /// The floor: an empty forwarding loop between two veth pairs, in a network namespace of its own. Needs root.
    ///
    /// - Parameter cores: The core of the loop, and the core of the sender.
    public static func floor(
        frame: BenchFrame = BenchFrame(), rate: Double? = nil, seconds: Double = 2,
        cores: (loop: Int, sender: Int) = (1, 0)
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
            return try measure(
                from: "bench0", to: "bench3", frame: frame, rate: rate, seconds: seconds, core: cores.sender)
        }
    }

    private static func sleep(_ seconds: Double) { usleep(UInt32(seconds * 1e6)) }

    /// Seconds on a clock that only goes forward.
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
