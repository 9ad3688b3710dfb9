// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

// The segment's file. Its lock tells a live segment from one that a crash left: it goes with the process, whatever that dies of.
extension StatsSegment {
    /// Gives a file that is complete but for its name that name, unless another router has it. Two that start at once do not
    /// both get it.
    static func publish(_ draft: String, _ file: Int32, as path: String) throws(BufferPool.Failure) {
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else { throw failure("lock", path) }
        for _ in 0..<8 {
            if link(draft, path) == 0 { return }
            guard errno == EEXIST else { throw failure("create", path) }
            try clear(path)
        }
        throw failure("create", path)
    }

    /// Removes what a dead router left.
    private static func clear(_ path: String) throws(BufferPool.Failure) {
        let old = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
        if old < 0, errno == ENOENT { return }
        defer { if old >= 0 { close(old) } }
        var header = Header(
            magic: 0, version: 0, entryCount: 0, epoch: 0, process: 0, reserved: 0, clocksPerSecond: 0)
        let size = MemoryLayout<Header>.size
        guard old >= 0, read(old, &header, size) == size, header.magic == magic else {
            throw BufferPool.Failure(
                setting: "stats.path",
                description: "\(path) is there and is no stats segment; remove it, or give another `stats: path`")
        }
        guard flock(old, LOCK_EX | LOCK_NB) == 0 else {
            throw BufferPool.Failure(
                setting: "stats.path",
                description:
                    "another martlet (pid \(header.process)) has its counters in \(path); stop it, or give this one "
                    + "a `stats: path` of its own")
        }
        // Only if it still is the file of that name: another router may have replaced it meanwhile.
        var (opened, named) = (stat(), stat())
        guard fstat(old, &opened) == 0, lstat(path, &named) == 0, opened.st_ino == named.st_ino else { return }
        unlink(path)
    }

    static func failure(_ what: String, _ path: String?) -> BufferPool.Failure {
        BufferPool.Failure(
            setting: "stats.path",
            description: "cannot \(what) the stats segment \(path ?? "in memory"): \(String(cString: strerror(errno)))")
    }
}
