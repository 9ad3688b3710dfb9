// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// FRR's bfdd in a namespace, with files and sockets of its own: the peer that others wrote.
final class BFDSuite {
    static let isPossible = FileManager.default.isExecutableFile(atPath: "/usr/lib/frr/bfdd")
    static let reason: Comment = "FRR is not installed: `Tools/install-dependencies test`"

    let namespace: Namespace
    private let scratch: ScratchDirectory
    private var zebra: Child?
    private var bfdd: Child?

    /// - Parameter peers: What stands below `bfd` in the configuration.
    init(_ peers: String, in namespace: Namespace) throws {
        self.namespace = namespace
        scratch = try ScratchDirectory()
        // The daemons give up root for a user of their own.
        #expect(Shell.run("chown frr:frr \(scratch.path)").code == 0)
        _ = try scratch.write("zebra.conf", "")
        _ = try scratch.write("bfdd.conf", "bfd\n\(peers)\nexit\n")
        zebra = start("zebra")
        #expect(eventually { FileManager.default.fileExists(atPath: "\(scratch.path)/zserv.api") }, "\(zebra!.errors)")
        start()
    }

    deinit {
        bfdd?.kill(SIGKILL)
        zebra?.kill(SIGKILL)
    }

    /// Starts bfdd, again after `kill`.
    func start() {
        bfdd = start("bfdd", more: ["--bfdctl", "\(scratch.path)/bfdd.sock"])
        #expect(eventually { vtysh("show bfd peers").code == 0 }, "\(bfdd!.errors)")
    }

    /// As a crash does: without a word to the peers.
    func kill() {
        bfdd?.kill(SIGKILL)
        _ = bfdd?.wait(seconds: 5)
        bfdd = nil
    }

    private func start(_ name: String, more: [String] = []) -> Child {
        let place = scratch.path
        return namespace.start(
            [
                "/usr/lib/frr/\(name)", "-P", "0", "--vty_socket", place, "-z", "\(place)/zserv.api", "-i",
                "\(place)/\(name).pid", "-f", "\(place)/\(name).conf", "--log", "file:\(place)/\(name).log",
            ] + more)
    }

    /// Runs commands of bfdd's, one after the other.
    @discardableResult
    func vtysh(_ commands: String...) -> Shell {
        let words = commands.map { "-c '\($0)'" }.joined(separator: " ")
        return Shell.run("vtysh --vty_socket \(scratch.path) -d bfdd \(words)")
    }

    func configure(_ lines: String...) {
        let words = (["configure terminal", "bfd"] + lines).map { "-c '\($0)'" }.joined(separator: " ")
        let answer = Shell.run("vtysh --vty_socket \(scratch.path) -d bfdd \(words)")
        #expect(answer.code == 0, "\(answer.errors)\(answer.output)")
    }

    /// What bfdd says of the session with `peer`.
    func peer(_ peer: String) -> JSONValue? {
        JSONValue(vtysh("show bfd peers json").output).list.first { $0["peer"].string == peer }
    }

    func status(_ peer: String) -> String? { self.peer(peer)?["status"].string }

    var log: String { (try? String(contentsOfFile: "\(scratch.path)/bfdd.log", encoding: .utf8)) ?? "" }
}
