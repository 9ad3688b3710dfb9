// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Tells systemd where the daemon stands (sd_notify(3)); does nothing when systemd did not start it.
public enum ServiceManager {
    /// The router forwards.
    public static func ready(_ status: String) { notify("READY=1\nSTATUS=\(status)") }

    /// The router is about to end.
    public static func stopping() { notify("STOPPING=1") }

    static func notify(_ message: String) {
        guard let path = SocketPath.environment("NOTIFY_SOCKET") else { return }
        let file = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if file < 0 { return }
        defer { close(file) }
        // An abstract name is written with @ and sent with a zero byte; its length says where it ends.
        let isAbstract = path.first == "@"
        let name = isAbstract ? "\0" + path.dropFirst() : path
        let length = MemoryLayout<sa_family_t>.size + name.utf8.count
        SocketPath.withAddress(name) { address, _ in
            _ = sendto(file, message, message.utf8.count, Int32(MSG_NOSIGNAL), address, socklen_t(length))
        }
    }
}
