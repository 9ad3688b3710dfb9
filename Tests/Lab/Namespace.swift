// SPDX-License-Identifier: Apache-2.0
import Foundation
import Interfaces
import Testing

/// A network namespace with a name of its own; it goes away, with all its devices, when nobody holds it any more.
final class Namespace: Sendable {
    let name: String

    init(_ role: String) {
        name = "martlet-lab-\(getpid())-\(UInt16.random(in: 0 ... .max))-\(role)"
        let made = Shell.run("ip netns add \(name) && ip -n \(name) link set lo up")
        #expect(made.code == 0, "\(made.errors)")
        // IPv6's own chatter on every device would be counted among the packets of the test.
        run("cd /proc/sys/net/ipv6/conf && echo 1 > all/disable_ipv6 && echo 1 > default/disable_ipv6")
    }

    deinit {
        // Whoever still runs in it is the test's own child.
        Shell.run("ip netns delete \(name)")
    }

    /// Runs a line of sh inside; fails the test when the line fails.
    @discardableResult
    func run(_ command: String, seconds: Int = 30, location: SourceLocation = #_sourceLocation) -> Shell {
        let result = attempt(command, seconds: seconds)
        #expect(result.code == 0, "\(name): \(command): \(result.errors)\(result.output)", sourceLocation: location)
        return result
    }

    /// Runs a line of sh inside; it may fail.
    func attempt(_ command: String, seconds: Int = 30) -> Shell {
        let quoted = command.replacingOccurrences(of: "'", with: "'\\''")
        return Shell.run("ip netns exec \(name) sh -c '\(quoted)'", seconds: seconds)
    }

    /// Starts a process inside and goes on.
    func start(_ words: [String], environment: [String: String] = [:]) -> Child {
        Child(["ip", "netns", "exec", name] + words, environment: environment)
    }

    /// Runs `body` with the calling thread inside. Sockets that it opens stay there.
    func inside<Result>(_ body: () throws -> Result) throws -> Result {
        try NetworkNamespace.with(named: name, body)
    }

    /// Makes a virtual cable to another namespace, both ends up.
    ///
    /// - Parameters:
    ///   - device: This side's name for it.
    ///   - far: The other side and its name for it.
    func connect(_ device: String, to far: Namespace, _ farDevice: String, mtu: Int = 1500, queues: Int = 1) {
        let queueOptions = "mtu \(mtu) numrxqueues \(queues) numtxqueues \(queues)"
        run(
            "ip link add \(device) \(queueOptions) type veth "
                + "peer name \(farDevice) netns \(far.name) \(queueOptions)")
        run("ip link set \(device) up")
        far.run("ip link set \(farDevice) up")
    }

    /// Has the kernel compute checksums itself: a veth would leave them to hardware that is not there, and a program
    /// that reads the frames sees them unfinished.
    func finishChecksums(_ device: String) {
        run("ethtool -K \(device) tx off gso off gro off > /dev/null")
    }

    /// How many packets the kernel's statistics count for a device; "rx_packets", "tx_dropped", ...
    func statistic(_ name: String, of device: String) -> Int {
        let path = "/sys/class/net/\(device)/statistics/\(name)"
        return Int(run("cat \(path)").output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }
}
