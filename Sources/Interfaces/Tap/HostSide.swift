// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Wire

/// The kernel's side of a TAP device: what `ip link set` and `ip address add` do. Calling thread's network namespace.
struct HostSide {
    /// An address with its prefix length, IPv4 or IPv6.
    struct Address: Sendable, Hashable {
        /// One word of four bytes or four of them, as they stand in memory in network byte order.
        let words: [UInt32]
        let prefixLength: UInt8

        /// "192.0.2.1/24" or "2001:db8::1/64".
        init?(_ text: String) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, let length = UInt8(parts[1]) else { return nil }
            for (family, count) in [(AF_INET, 1), (AF_INET6, 4)] {
                var words = [UInt32](repeating: 0, count: count)
                guard inet_pton(family, String(parts[0]), &words) == 1 else { continue }
                guard Int(length) <= 32 * count else { return nil }
                self.words = words
                prefixLength = length
                return
            }
            return nil
        }
    }

    let device: String

    /// Sets what is not nil.
    func configure(mac: MACAddress? = nil, mtu: Int? = nil) throws(XDPError) {
        guard mac != nil || mtu != nil else { return }
        var message = NetlinkMessage(type: Int(RTM_NEWLINK), flags: NLM_F_ACK, fixed: ifinfomsg(index: try index))
        if let mac {
            // The kernel takes the first six bytes.
            message.add(Int(IFLA_ADDRESS)) { $0.append(mac.littleEndianValue) }
        }
        if let mtu { message.add(Int(IFLA_MTU), UInt32(mtu)) }
        try request(message, "set address and MTU")
    }

    func setUp() throws(XDPError) {
        var information = ifinfomsg(index: try index)
        information.ifi_change = UInt32(IFF_UP)
        information.ifi_flags = UInt32(IFF_UP)
        try request(NetlinkMessage(type: Int(RTM_NEWLINK), flags: NLM_F_ACK, fixed: information), "set the device up")
    }

    /// Adds an address; one that is there already is left as it is.
    func add(_ address: Address) throws(XDPError) {
        var information = ifaddrmsg()
        information.ifa_family = UInt8(address.words.count == 1 ? AF_INET : AF_INET6)
        information.ifa_prefixlen = address.prefixLength
        information.ifa_index = UInt32(try index)
        var message = NetlinkMessage(
            type: Int(RTM_NEWADDR), flags: NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, fixed: information)
        for attribute in [IFA_LOCAL, IFA_ADDRESS] {
            message.add(Int(attribute)) { message in address.words.forEach { message.append($0) } }
        }
        try request(message, "add an address")
    }

    private var index: Int32 {
        get throws(XDPError) {
            let index = if_nametoindex(device)
            guard index != 0 else { throw .noDevice(device) }
            return Int32(index)
        }
    }

    private func request(_ message: NetlinkMessage, _ action: String) throws(XDPError) {
        var socket = try NetlinkSocket()
        try socket.request(message, action, device: device)
    }
}
