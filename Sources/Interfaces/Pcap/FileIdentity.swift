// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A file, whatever the path to it, and what it was when it was looked at.
struct FileIdentity {
    private let device: UInt64
    private let inode: UInt64
    /// Not a pipe, nor a device.
    let isRegular: Bool
    /// Bytes; 0 for what is not regular.
    let size: Int

    /// Nil when there is no such file.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        isRegular = status.st_mode & S_IFMT == S_IFREG
        size = isRegular ? Int(status.st_size) : 0
    }
}

extension FileIdentity: Hashable {
    static func == (a: FileIdentity, b: FileIdentity) -> Bool { a.device == b.device && a.inode == b.inode }

    func hash(into hasher: inout Hasher) {
        hasher.combine(device)
        hasher.combine(inode)
    }
}
