// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// Traffic between the kernel stacks of two namespaces, with an account of what arrived.
enum Traffic {
    /// Sends bytes over TCP from one namespace to another and back again; returns what came back.
    ///
    /// - Parameter port: The listener's.
    static func echoTCP(
        _ bytes: [UInt8], from client: Namespace, to server: Namespace, at address: String, port: UInt16 = 7007
    ) throws -> [UInt8] {
        let listener = try LabSocket(.tcp, in: server)
        try listener.bind(port: port)
        try listener.listen()
        let file = dup(listener.file)
        let echo = Background {
            let listener = LabSocket(adopting: file)
            let connection = try listener.accept()
            let received = try connection.receiveAll()
            try connection.send(received)
            connection.finish()
        }
        let connection = try LabSocket(.tcp, in: client)
        try connection.connect(address, port: port)
        try connection.send(bytes)
        connection.finish()
        let back = try connection.receiveAll()
        try echo.value()
        return back
    }

    /// What became of a flow of numbered datagrams.
    struct Account: Sendable {
        var sent = 0
        var received = 0
        /// Datagrams that came after one with a higher number.
        var reordered = 0
        var duplicated = 0
        /// Seconds from the first to the last that was sent.
        var duration = 0.0
        /// Where datagrams are missing, in their order.
        var outages: [Outage] = []

        var lost: Int { sent - received + duplicated }
        /// A gap in the numbers that arrived.
        struct Outage: Sendable {
            let lost: Int
            /// When the datagrams before and after it arrived: CLOCK_MONOTONIC, seconds.
            let before: Double
            let after: Double

            var seconds: Double { after - before }
        }

        var packetsPerSecond: Double { duration > 0 ? Double(sent) / duration : 0 }
    }

    /// Sends numbered UDP datagrams at a rate and counts them at the far end.
    ///
    /// - Parameters:
    ///   - address: IPv4 or IPv6.
    ///   - rate: Packets per second.
    ///   - length: Bytes of payload, 8 at least.
    ///   - while: Runs meanwhile; the flow goes on at least until it returns.
    static func flow(
        from client: Namespace, to server: Namespace, at address: String, port: UInt16 = 9009, rate: Int,
        seconds: Double, length: Int = 26, while body: () throws -> Void = {}
    ) throws -> Account {
        let isOver = Flag()
        let isIPv6 = address.contains(":")
        let receiver = try LabSocket(.udp, in: server, isIPv6: isIPv6)
        // No packet may be lost behind the router: the receiver's queue is large, whatever the kernel's limit.
        receiver.set(SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        try receiver.bind(port: port)
        let receiverFile = dup(receiver.file)
        let count = Background { try DatagramCounter.run(LabSocket(adopting: receiverFile), until: isOver) }

        let sender = try LabSocket(.udp, in: client, isIPv6: isIPv6)
        sender.set(SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20)
        try sender.connect(address, port: port)
        let senderFile = dup(sender.file)
        let mayStop = Flag()
        let send = Background {
            try DatagramSender.run(
                LabSocket(adopting: senderFile), rate: rate, seconds: seconds, length: length, mayStop: mayStop)
        }
        let outcome = Result { try body() }
        mayStop.raise()
        let (sent, duration) = try send.value()
        // The last ones are under way.
        usleep(200_000)
        isOver.raise()
        var account = try count.value()
        account.sent = sent
        account.duration = duration
        try outcome.get()
        return account
    }
}

extension Traffic {
    /// CLOCK_MONOTONIC in seconds.
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Raised once, seen by other threads.
final class Flag: Sendable {
    private let state = Atomic(false)
    func raise() { state.store(true, ordering: .releasing) }
    var isRaised: Bool { state.load(ordering: .acquiring) }
}

/// Sends datagrams that begin with their number, in bursts that are as short as the clock allows.
private enum DatagramSender {
    static func run(
        _ socket: consuming LabSocket, rate: Int, seconds: Double, length: Int, mayStop: Flag
    ) throws -> (sent: Int, duration: Double) {
        var payload = [UInt8](repeating: 0xa5, count: max(8, length))
        var sent = 0
        let longestBurst = 256
        let start = now()
        var origin = start
        var time = start
        while time - start < seconds || !mayStop.isRaised {
            var due = Int((time - origin) * Double(rate)) + 1
            // After a stall of the machine, what was missed is not made up for in one burst: no real source sends it.
            let excess = due - sent - longestBurst
            if excess > 0 {
                origin += Double(excess) / Double(rate)
                due -= excess
            }
            while sent < due {
                payload.withUnsafeMutableBytes { $0.storeBytes(of: UInt64(sent), as: UInt64.self) }
                let count = send(socket.file, payload, payload.count, 0)
                guard count == payload.count else { throw LabSocket.Failure(what: "send datagram \(sent)") }
                sent += 1
            }
            usleep(50)
            time = now()
        }
        return (sent, now() - start)
    }

    private static func now() -> Double { Traffic.now() }
}

/// Counts numbered datagrams.
private enum DatagramCounter {
    static func run(_ socket: consuming LabSocket, until isOver: Flag) throws -> Traffic.Account {
        var account = Traffic.Account()
        var highest = -1
        var latest = 0.0
        var seen = BitSet()
        var bytes = [UInt8](repeating: 0, count: 65536)
        var time = timeval(tv_sec: 0, tv_usec: 50_000)
        setsockopt(socket.file, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        while true {
            let count = recv(socket.file, &bytes, bytes.count, 0)
            if count < 8 {
                if isOver.isRaised { return account }
                continue
            }
            let number = bytes.withUnsafeBytes { Int(truncatingIfNeeded: $0.loadUnaligned(as: UInt64.self)) }
            account.received += 1
            let now = Traffic.now()
            if number > highest + 1, highest >= 0 {
                account.outages.append(.init(lost: number - highest - 1, before: latest, after: now))
            }
            latest = now
            if number < highest { account.reordered += 1 }
            highest = max(highest, number)
            if !seen.insert(number) { account.duplicated += 1 }
        }
    }
}

/// Which numbers were seen.
private struct BitSet {
    private var words: [UInt64] = []

    /// False when it was there already.
    mutating func insert(_ number: Int) -> Bool {
        let word = number / 64
        if word >= words.count { words += [UInt64](repeating: 0, count: max(word + 1 - words.count, words.count)) }
        let bit: UInt64 = 1 << UInt64(number % 64)
        defer { words[word] |= bit }
        return words[word] & bit == 0
    }
}
