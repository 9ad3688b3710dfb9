// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Synchronization

/// What libbpf and libxdp have to say, which would otherwise go to standard error.
public enum LibraryMessages {
    public enum Level: Int32, Sendable {
        case warning, information, debugging
    }

    private static let receiver = Mutex<(@Sendable (Level, String) -> Void)?>(nil)

    /// Sends the libraries' messages to `receive`, without the line's end. Replaces an earlier receiver; any thread may
    /// call, and any thread may be called from.
    public static func route(to receive: @escaping @Sendable (Level, String) -> Void) {
        receiver.withLock { $0 = receive }
        CMartletLinux_setMessageSink { level, text in
            guard let text, let level = Level(rawValue: level) else { return }
            let receive = LibraryMessages.receiver.withLock { $0 }
            receive?(level, String(cString: text).trimmedAtEnd)
        }
    }
}

extension String {
    /// Without the white space and line ends at the end.
    fileprivate var trimmedAtEnd: String {
        var rest = self[...]
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
