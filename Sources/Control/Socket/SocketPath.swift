// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import FlyingSocks
import Glibc
import Graph

/// Where the daemon listens, and who listens there now.
public enum SocketPath {
    /// `sun_path` holds 108 bytes with the terminating zero.
    private static let longest = 107

    /// `MARTLET_SOCKET` if set, `/run/martlet/martlet.sock` for root, else `martlet.sock` in `XDG_RUNTIME_DIR` (or
    /// /tmp).
    public static var standard: String {
        if let path = environment("MARTLET_SOCKET") { return path }
        if geteuid() == 0 { return "/run/martlet/martlet.sock" }
        if let directory = environment("XDG_RUNTIME_DIR") { return "\(directory)/martlet.sock" }
        return "/tmp/martlet-\(geteuid()).sock"
    }

    /// Opens a connection. The caller closes the descriptor.
    static func connect(_ path: String) throws(CommandError) -> Int32 {
        guard (1...longest).contains(path.utf8.count) else {
            throw .usage(
                "the socket's path '\(path)' is not 1 to \(longest) bytes long", "give a shorter one with --socket")
        }
        let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { throw .failed("no socket can be opened: \(reason(errno))") }
        let result = withAddress(path) { Glibc.connect(file, $0, $1) }
        if result == 0 { return file }
        let error = errno
        close(file)
        switch error {
        case ENOENT, ECONNREFUSED:
            throw .failed(
                "no martlet is listening on \(path)", "start one with 'martlet run FILE', or give --socket PATH")
        case EACCES, EPERM:
            throw .failed("you may not use \(path)", "be root, or in the group \(group(of: path))")
        default:
            throw .failed("\(path) cannot be used: \(reason(error))", "give --socket PATH")
        }
    }

    /// Makes room for a listener at `path`: creates the directory, refuses if another daemon is alive there, and
    /// removes the socket that a dead one left.
    static func clear(_ path: String) throws(CommandError) {
        guard (1...longest).contains(path.utf8.count) else {
            throw .usage(
                "the socket's path '\(path)' is not 1 to \(longest) bytes long", "give a shorter one with --socket")
        }
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        if !directory.isEmpty, mkdir(directory, 0o755) != 0, errno != EEXIST {
            throw .failed(
                "the directory \(directory) cannot be made: \(reason(errno))", "make it, or give --socket PATH")
        }
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw .failed("\(path) is there and is not a socket", "remove it, or give --socket PATH")
        }
        if let file = try? connect(path) {
            defer { close(file) }
            let owner = peer(of: file).map { " (pid \($0))" } ?? ""
            throw .failed("another martlet is listening on \(path)\(owner)", "stop it, or give --socket PATH")
        }
        if unlink(path) != 0, errno != ENOENT {
            throw .failed(
                "the old socket \(path) cannot be removed: \(reason(errno))", "remove it, or give --socket PATH")
        }
    }

    /// Mode 0660, and the group if one is given: its members may command the daemon.
    static func protect(_ path: String, group: String?) throws(CommandError) {
        if let group {
            guard let entry = getgrnam(group) else {
                throw .failed("there is no group '\(group)'", "make it with 'groupadd \(group)', or name another")
            }
            if chown(path, uid_t.max, entry.pointee.gr_gid) != 0 {
                throw .failed("\(path) cannot be given to the group '\(group)': \(reason(errno))", "run as root")
            }
        }
        if chmod(path, 0o660) != 0 { throw .failed("the mode of \(path) cannot be set: \(reason(errno))") }
    }

    /// Why nobody can listen at `path`, and what to do.
    static func refusal(_ error: any Error, _ path: String) -> CommandError {
        guard case SocketError.failed(_, let number, _) = error else {
            return .failed("\(path) cannot be listened on: \(error)", "give --socket PATH")
        }
        let remedy =
            switch number {
            case EACCES, EPERM: "run as root, or give --socket PATH in a directory that you may write to"
            case EROFS: "give --socket PATH in a directory that can be written to"
            default: "give --socket PATH"
            }
        return .failed("\(path) cannot be listened on: \(reason(number))", remedy)
    }

    static func reason(_ error: Int32) -> String { String(cString: strerror(error)) }

    static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    private static func group(of path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0, let entry = getgrgid(status.st_gid) else { return "of the socket" }
        return "'\(String(cString: entry.pointee.gr_name))'"
    }

    /// The process that listens at the other end. `struct ucred` is hidden behind _GNU_SOURCE: it is pid, uid, gid.
    private static func peer(of file: Int32) -> pid_t? {
        var credentials: (pid: pid_t, uid: uid_t, gid: gid_t) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(file, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return nil }
        return credentials.pid > 0 ? credentials.pid : nil
    }

    /// `path` must be at most ``longest`` bytes.
    static func withAddress<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in bytes.copyBytes(from: path.utf8.prefix(longest)) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
