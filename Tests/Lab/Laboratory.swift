// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Tests with real Linux network stacks around the real program: network namespaces, joined by virtual Ethernet.
///
/// They run one after the other: each wants the machine for itself. No packet leaves a namespace that the test made.
@Suite(.serialized, .enabled(if: Laboratory.isPossible, Laboratory.reason))
enum Lab {}

/// What the laboratory stands on.
enum Laboratory {
    static let isPossible = missing == nil
    static var reason: Comment { Comment(rawValue: missing ?? "") }

    /// What the laboratory lacks here, if anything.
    private static let missing: String? = {
        guard geteuid() == 0 else { return "makes network namespaces, so it needs root: `sudo make test`" }
        for tool in ["ip", "ethtool", "ping", "traceroute", "tshark"] where Shell.run("command -v \(tool)").code != 0 {
            return "\(tool) is not installed: `Tools/install-dependencies test`"
        }
        removeLeftovers()
        let name = "martlet-lab-\(getpid())-probe"
        guard Shell.run("ip netns add \(name) && ip netns delete \(name)").code == 0 else {
            return "this machine lets nobody make network namespaces (a container without CAP_SYS_ADMIN?)"
        }
        return nil
    }()

    /// A run that was killed could not clean up after itself: its namespaces carry the number of a process that is gone.
    private static func removeLeftovers() {
        for name in Shell.run("ip netns list").output.split(whereSeparator: \.isWhitespace) {
            let parts = name.split(separator: "-")
            guard parts.count > 2, name.hasPrefix("martlet-lab-"), let process = pid_t(parts[2]) else { continue }
            if kill(process, 0) != 0, errno == ESRCH { Shell.run("ip netns delete \(name)") }
        }
    }

    /// Whether the tests that take minutes run too: `make soak`.
    static let isSoak = ProcessInfo.processInfo.environment["MARTLET_SOAK"] != nil

    /// The program under test: `MARTLET` names it; else the one that was built with the tests.
    static let program: String = {
        if let path = ProcessInfo.processInfo.environment["MARTLET"] { return path }
        let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let beside = bundle.deletingLastPathComponent().appendingPathComponent("martlet").path
        return FileManager.default.fileExists(atPath: beside) ? beside : "\(repository)/.build/debug/martlet"
    }()

    /// The root of the checkout.
    static let repository: String = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
}

/// A directory that goes away with everything in it.
final class ScratchDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "martlet-lab-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}
