// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Instructions and cache misses of one worker's thread, read around each node's call.
///
/// A reading is a system call: for studying nodes, not for production. Owned by the worker's thread.
struct HardwareCounters: ~Copyable {
    private let leader: Int32
    private let second: Int32
    private var last: (instructions: UInt64, cacheMisses: UInt64) = (0, 0)

    /// Nil, with `errno`, where the machine has no such counters (many virtual machines) or policy forbids them.
    static func open() -> HardwareCounters? {
        let leader = CMartletLinux_openHardwareCounter(CMartletLinux_instructions, -1)
        guard leader >= 0 else { return nil }
        let second = CMartletLinux_openHardwareCounter(CMartletLinux_cacheMisses, leader)
        guard second >= 0 else {
            let problem = errno
            close(leader)
            errno = problem
            return nil
        }
        return HardwareCounters(leader: leader, second: second)
    }

    private init(leader: Int32, second: Int32) {
        self.leader = leader
        self.second = second
    }

    deinit {
        close(second)
        close(leader)
    }

    /// Adds what happened since the previous call to `counters`; nil only takes note of where they stand.
    mutating func account(to counters: UnsafeMutablePointer<NodeCounters>?) {
        // PERF_FORMAT_GROUP: the number of events, then their values in the order in which they were opened.
        var values: (count: UInt64, instructions: UInt64, cacheMisses: UInt64) = (0, 0, 0)
        guard read(leader, &values, 24) == 24 else { return }
        if let counters {
            counters.pointee.instructions &+= values.instructions &- last.instructions
            counters.pointee.cacheMisses &+= values.cacheMisses &- last.cacheMisses
        }
        last = (values.instructions, values.cacheMisses)
    }
}
