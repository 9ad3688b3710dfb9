// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// A network device as the kernel describes it.
public struct Link: Sendable, Hashable {
    public var index: Int32
    public var name: String
    /// Six bytes in wire order; empty when the device has no Ethernet address.
    public var address: [UInt8] = []
    /// Bytes, without the Ethernet header.
    public var mtu = 0
    /// Set up by the administrator.
    public var isUp = false
    /// The other end is there.
    public var hasCarrier = false
    /// RFC 2863's operational state, as `ip link` prints it.
    public var state = State.unknown
    public var receiveQueues = 1
    public var transmitQueues = 1
    /// "veth", "vlan", ...; empty for a plain NIC.
    public var kind = ""
    /// "veth", "ixgbe", ...; empty when unknown.
    public var driver = ""
    /// Mbit/s; nil when the device does not know.
    public var speed: Int?

    public enum State: UInt8, Sendable {
        case unknown, notPresent, down, lowerLayerDown, testing, dormant, up
    }

    /// Whether packets can be sent and received.
    public var isRunning: Bool { isUp && hasCarrier }
}

extension Link {
    /// Reads an RTM_NEWLINK or RTM_DELLINK; nil when it is not about a device or is cut short.
    init?(_ reply: NetlinkReply) {
        let fixed = MemoryLayout<ifinfomsg>.size
        guard reply.body.count >= fixed else { return nil }
        let information = reply.body.loadUnaligned(as: ifinfomsg.self)
        // A bridge tells of its ports in the same message type.
        guard information.ifi_family == UInt8(AF_UNSPEC) else { return nil }
        self.init(index: information.ifi_index, name: "")
        isUp = information.ifi_flags & UInt32(IFF_UP) != 0
        hasCarrier = information.ifi_flags & 1 << 16 != 0  // IFF_LOWER_UP
        for (type, value) in NetlinkAttributes(UnsafeRawBufferPointer(rebasing: reply.body[fixed...])) {
            switch type {
            case Int(IFLA_IFNAME): name = value.text
            case Int(IFLA_ADDRESS): address = value.count == 6 ? Array(value) : []
            case Int(IFLA_MTU): mtu = Int(value.number(UInt32.self) ?? 0)
            case Int(IFLA_OPERSTATE): state = value.number(UInt8.self).flatMap(State.init) ?? .unknown
            case Int(IFLA_NUM_RX_QUEUES): receiveQueues = Int(value.number(UInt32.self) ?? 1)
            case Int(IFLA_NUM_TX_QUEUES): transmitQueues = Int(value.number(UInt32.self) ?? 1)
            case Int(IFLA_LINKINFO):
                for (type, value) in NetlinkAttributes(value) where type == IFLA_INFO_KIND { kind = value.text }
            default: break
            }
        }
        guard !name.isEmpty else { return nil }
    }

    /// Completes what rtnetlink does not tell: driver, speed, and the queues that are in use of those there could be.
    mutating func askEthtool(_ ethtool: borrowing Ethtool) {
        driver = ethtool.driver(of: name) ?? kind
        speed = ethtool.speed(of: name)
        guard let queues = ethtool.queues(of: name) else { return }
        receiveQueues = min(receiveQueues, queues.receive)
        transmitQueues = min(transmitQueues, queues.transmit)
    }

    /// Looks a device up in the calling thread's network namespace.
    public init(named name: String) throws(XDPError) {
        let index = if_nametoindex(name)
        guard index != 0 else { throw .noDevice(name) }
        var socket = try NetlinkSocket()
        let message = NetlinkMessage(type: Int(RTM_GETLINK), flags: NLM_F_ACK, fixed: ifinfomsg(index: Int32(index)))
        var found: Link?
        try socket.request(message, "read the device's state", device: name) { found = Link($0) ?? found }
        guard var found else { throw .noDevice(name) }
        found.askEthtool(try Ethtool())
        self = found
    }
}

extension ifinfomsg {
    /// About the device with that index; 0 for all, or for one that is named by an attribute.
    init(index: Int32) {
        self.init()
        ifi_index = index
    }
}
