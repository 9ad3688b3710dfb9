// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Why a TAP device could not be had.
public enum TapError: Error, Equatable, CustomStringConvertible {
    /// /dev/net/tun cannot be opened.
    case noTunnels(code: Int32)
    case noPrivilege(device: String)
    /// The kernel's side is there and may be used, but not changed.
    case mayNotConfigure(action: String)
    /// Another process has the device open.
    case inUse(device: String)
    /// There is a device of this name that is no TAP device, or one with another number of queues.
    case otherKind(device: String, queues: Int)
    case failed(device: String, code: Int32)

    init(attaching device: String, queues: Int, code: Int32) {
        switch code {
        case EPERM, EACCES: self = .noPrivilege(device: device)
        case EBUSY: self = .inUse(device: device)
        case EINVAL: self = .otherKind(device: device, queues: queues)
        default: self = .failed(device: device, code: code)
        }
    }

    public var description: String {
        switch self {
        case .noTunnels(ENOENT), .noTunnels(ENODEV), .noTunnels(ENXIO):
            "there is no /dev/net/tun; `modprobe tun`, or give the container this device"
        case .noTunnels(EACCES), .noTunnels(EPERM):
            "no privilege to open /dev/net/tun; run as root, or give read and write access to it"
        case .noTunnels(let code):
            "cannot open /dev/net/tun: \(text(of: code))"
        case .noPrivilege(let device):
            "making the TAP device \(device) needs CAP_NET_ADMIN: run as root, or let root make it for this user with "
                + "`ip tuntap add dev \(device) mode tap user $USER`"
        case .mayNotConfigure(let action):
            "no privilege to \(action), which needs CAP_NET_ADMIN: run as root, or let root do it with `ip` beforehand "
                + "and leave it out of the file"
        case .inUse(let device):
            "the TAP device \(device) is in use by another process; stop that, or choose another 'device'"
        case .otherKind(let device, 1):
            "there is a device \(device) that is no TAP device, or one made with 'multi_queue'; choose another 'device'"
        case .otherKind(let device, let queues):
            "there is a device \(device) that is no TAP device with room for \(queues) queues, one for each worker; "
                + "make it with 'multi_queue', or choose another 'device'"
        case .failed(let device, let code):
            "cannot make the TAP device \(device): \(text(of: code))"
        }
    }
}
