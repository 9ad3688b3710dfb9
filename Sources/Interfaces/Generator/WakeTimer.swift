// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// A file descriptor that becomes readable at a set time: wakes a sleeping worker to the microsecond, where its timer
/// wheel counts milliseconds.
///
/// Threading: the worker's own.
final class WakeTimer: @unchecked Sendable {
    let descriptor: Int32

    /// Without a descriptor (the process has too many open), the worker polls instead of sleeping.
    init() { descriptor = CMartletLinux_timerDescriptor() }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Readable after `nanoseconds`, and no longer readable until then. False when the kernel does not do it.
    func set(nanoseconds: UInt64) -> Bool {
        descriptor >= 0 && CMartletLinux_setTimer(descriptor, max(nanoseconds, 1)) == 0
    }

    /// Not readable any more.
    func clear() { _ = CMartletLinux_setTimer(descriptor, 0) }
}
