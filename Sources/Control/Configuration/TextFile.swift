// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph

/// Whole text files, with errors that say what to do.
public enum TextFile {
    /// More than this is no configuration; it is also what libyaml takes.
    private static let largest = 1 << 30

    /// The text of the file at `path`, which must be UTF-8.
    public static func read(_ path: String) throws(ConfigurationError) -> String {
        let bytes = try bytes(path)
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        // Decoding with repair puts the replacement character where the first bad byte is.
        let good = String(decoding: bytes, as: UTF8.self).prefix { $0 != "\u{FFFD}" }
        let line = good.count { $0.isNewline } + 1
        let column = good.reversed().prefix { !$0.isNewline }.count + 1
        let mark = Mark(file: path, line: line, column: column)
        throw ConfigurationError(at: mark, "this is not UTF-8 text", "save the file as UTF-8")
    }

    private static func bytes(_ path: String) throws(ConfigurationError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure(path) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw failure(path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > largest {
                throw ConfigurationError(at: nil, path: path, "the file is larger than 1 GiB", "split it")
            }
        }
    }

    private static func failure(_ path: String) -> ConfigurationError {
        let remedy =
            switch errno {
            case ENOENT: "check the path"
            case EACCES: "run as a user who may read it"
            case EISDIR: "give a file"
            default: "check the file"
            }
        return ConfigurationError(at: nil, path: path, "cannot be read: \(String(cString: strerror(errno)))", remedy)
    }
}
