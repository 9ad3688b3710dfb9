// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// A TAP device seen from our side: one file descriptor per worker.
///
/// The kernel's side is an ordinary device (`ip link` shows it) that lives as long as the descriptors, unless it was made
/// to persist. When somebody deletes it, the descriptors are dead; `attach` makes them queues of a new one.
///
/// Threading: `attach` on the control side, everything else on any thread.
final class TapQueues: Sendable {
    let device: String
    /// Their numbers stay the same for good, whatever they are attached to.
    let descriptors: [Int32]
    private let attached = Atomic(true)

    /// Whether the device is there.
    var isAttached: Bool { attached.load(ordering: .relaxed) }

    /// Whether the device exists, be it in another network namespace by now.
    var hasDevice: Bool { CMartletLinux_hasTap(descriptors[0]) != 0 }

    /// Makes the device, or takes the one that exists, in the calling thread's network namespace.
    init(device: String, count: Int) throws(TapError) {
        self.device = device
        descriptors = try TapQueues.open(device, count)
    }

    deinit { descriptors.forEach { close($0) } }

    /// The device is gone: workers leave the descriptors alone.
    func detach() { attached.store(false, ordering: .relaxed) }

    /// Attaches to a device that has come back.
    func attach() throws(TapError) {
        let fresh = try TapQueues.open(device, descriptors.count)
        // Workers use the old numbers at any time: these become the new queues from one moment to the next.
        for (new, old) in zip(fresh, descriptors) {
            CMartletLinux_replaceDescriptor(new, old)
            close(new)
        }
        attached.store(true, ordering: .relaxed)
    }

    private static func open(_ device: String, _ count: Int) throws(TapError) -> [Int32] {
        var opened: [Int32] = []
        do throws(TapError) {
            for _ in 0..<count {
                let file = CMartletLinux_openTunnelControl()
                guard file >= 0 else { throw .noTunnels(code: -file) }
                opened.append(file)
                let code = CMartletLinux_attachTap(file, device, count > 1 ? 1 : 0)
                guard code == 0 else { throw TapError(attaching: device, queues: count, code: code) }
            }
        } catch {
            opened.forEach { close($0) }
            throw error
        }
        return opened
    }
}
