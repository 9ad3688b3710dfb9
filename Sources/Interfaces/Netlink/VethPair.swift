// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Two virtual Ethernet devices back to back: what goes into one comes out of the other. For benches and tests; they
/// live until they are deleted, or until their network namespace vanishes.
public struct VethPair: Sendable {
    public let left: String
    public let right: String

    /// Makes the pair in the calling thread's network namespace and sets both ends up.
    ///
    /// - Parameters:
    ///   - mtu: Bytes without the Ethernet header, 68 to 65535.
    ///   - queues: Receive and transmit queues of either end.
    public init(_ left: String, _ right: String, mtu: Int = 1500, queues: Int = 1) throws(XDPError) {
        self.left = left
        self.right = right
        var socket = try NetlinkSocket()
        let create = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK
        var message = NetlinkMessage(type: Int(RTM_NEWLINK), flags: create, fixed: ifinfomsg(index: 0))
        let describe = { (message: inout NetlinkMessage, name: String) in
            message.add(Int(IFLA_IFNAME), name)
            message.add(Int(IFLA_MTU), UInt32(mtu))
            message.add(Int(IFLA_NUM_RX_QUEUES), UInt32(queues))
            message.add(Int(IFLA_NUM_TX_QUEUES), UInt32(queues))
        }
        describe(&message, left)
        message.add(Int(IFLA_LINKINFO)) { message in
            message.add(IFLA_INFO_KIND, "veth")
            message.add(IFLA_INFO_DATA) { message in
                message.add(VETH_INFO_PEER) { message in
                    message.append(ifinfomsg(index: 0))
                    describe(&message, right)
                }
            }
        }
        try socket.request(message, "make a veth pair with \(right)", device: left)
        for name in [left, right] { try VethPair.setUp(name, true) }
    }

    /// Sets a device up or down, as `ip link set NAME up` does.
    public static func setUp(_ name: String, _ up: Bool) throws(XDPError) {
        let index = if_nametoindex(name)
        guard index != 0 else { throw .noDevice(name) }
        var information = ifinfomsg(index: Int32(index))
        information.ifi_change = UInt32(IFF_UP)
        information.ifi_flags = up ? UInt32(IFF_UP) : 0
        var socket = try NetlinkSocket()
        let message = NetlinkMessage(type: Int(RTM_NEWLINK), flags: NLM_F_ACK, fixed: information)
        try socket.request(message, "set the device \(up ? "up" : "down")", device: name)
    }

    /// Deletes both ends.
    public func delete() throws(XDPError) {
        let index = if_nametoindex(left)
        guard index != 0 else { throw .noDevice(left) }
        var socket = try NetlinkSocket()
        let message = NetlinkMessage(type: Int(RTM_DELLINK), flags: NLM_F_ACK, fixed: ifinfomsg(index: Int32(index)))
        try socket.request(message, "delete the veth pair", device: left)
    }
}
