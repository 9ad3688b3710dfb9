// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Network namespaces for a laboratory inside one process: the calling thread moves, the others stay.
public enum NetworkNamespace {
    /// Runs `body` in a new, empty network namespace, which vanishes with everything in it when the last socket of it
    /// is closed. The calling thread is back where it was afterwards. Needs root.
    public static func withNew<Result>(_ body: () throws -> Result) throws -> Result {
        try keepingPlace {
            let error = CMartletLinux_newNetwork()
            guard error == 0 else { throw XDPError.kernel(error, "make a network namespace", device: "netns") }
            return try body()
        }
    }

    /// Runs `body` in a namespace that `ip netns add NAME` made. Needs root.
    public static func with<Result>(named name: String, _ body: () throws -> Result) throws -> Result {
        try keepingPlace {
            try enter("/run/netns/\(name)")
            return try body()
        }
    }

    private static func keepingPlace<Result>(_ body: () throws -> Result) throws -> Result {
        let before = OwnedFile(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC))
        defer { _ = CMartletLinux_enterNetwork(before.number) }
        return try body()
    }

    private static func enter(_ path: String) throws {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw XDPError.failed("open the network namespace", device: path, code: errno) }
        let target = OwnedFile(file)
        let error = CMartletLinux_enterNetwork(target.number)
        guard error == 0 else { throw XDPError.kernel(error, "enter the network namespace", device: path) }
    }
}
