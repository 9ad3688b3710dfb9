// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Why a device could not be opened, configured or attached to, in words for the operator: what is wrong and what to
/// do.
public enum XDPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The process may not do this.
    case noPrivilege(to: String)
    /// No device of that name in this network namespace.
    case noDevice(String)
    /// A program that is not ours sits on the device; `removal` is the command that takes it off.
    case foreignProgram(device: String, id: UInt32, name: String, removal: String)
    /// A living process of ours holds the device.
    case heldByMartlet(device: String, programID: UInt32, process: Int32?)
    /// Another AF_XDP socket is bound to this queue.
    case queueInUse(device: String, queue: Int)
    case noQueue(device: String, queue: Int)
    case chunkSize(Int)
    /// The kernel could not pin the packet memory.
    case noMemory(device: String, bytes: Int)
    case noZeroCopy(device: String)
    /// The kernel's verifier or the loader refused our program; `log` is its last line.
    case refused(log: String, code: Int32)
    /// Anything else, with the kernel's error number.
    case failed(String, device: String, code: Int32)

    public var description: String {
        switch self {
        case .noPrivilege(let action):
            "no privilege to \(action); run as root, or give the capabilities "
                + "CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and CAP_IPC_LOCK"
        case .noDevice(let device):
            "\(device): no such device in this network namespace; `ip link` lists those there are"
        case .foreignProgram(let device, let id, let name, let removal):
            "\(device): XDP program \(id) (\(name)) is attached to the device already; remove it with `\(removal)`"
        case .heldByMartlet(let device, let id, let process):
            "\(device): another martlet\(process.map { ", process \($0)," } ?? "") drives this device "
                + "(XDP program \(id)); stop it first"
        case .queueInUse(let device, let queue):
            "\(device): queue \(queue) belongs to another AF_XDP socket; stop the program that holds it"
        case .noQueue(let device, let queue):
            "\(device): there is no queue \(queue); `ethtool --show-channels \(device)` tells how many there are"
        case .chunkSize(let size):
            "AF_XDP takes chunks of 2048 or 4096 bytes, not \(size); longer packets span several chunks"
        case .noMemory(let device, let bytes):
            "\(device): the kernel could not pin \(bytes >> 20) MiB of packet memory; "
                + "set fewer buffers, or raise the limit of locked memory (`ulimit -l`)"
        case .noZeroCopy(let device):
            "\(device): its driver has no zero-copy AF_XDP; set `zero-copy: auto`"
        case .refused(let log, let code):
            "the kernel refused Martlet's XDP program: \(text(of: code))\(log.isEmpty ? "" : ": \(log)"); "
                + "Linux 5.18 or later is needed"
        case .failed(let action, let device, let code):
            "\(device): cannot \(action): \(text(of: code))"
        }
    }

    /// The error for a kernel error number that means the same everywhere; `action` completes "cannot ...".
    static func kernel(_ code: Int32, _ action: String, device: String) -> XDPError {
        switch code {
        case EPERM, EACCES: .noPrivilege(to: "\(action) on \(device)")
        case ENODEV, ENXIO: .noDevice(device)
        default: .failed(action, device: device, code: code)
        }
    }
}

func text(of code: Int32) -> String {
    String(cString: strerror(code))
}
