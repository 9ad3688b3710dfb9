// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// A socket to the kernel's rtnetlink, in the network namespace of the thread that opens it.
struct NetlinkSocket: ~Copyable {
    private let file: OwnedFile
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: 65536)

    var fileDescriptor: Int32 { file.number }

    /// - Parameter groups: `RTMGRP_...`: the changes to be told of; 0 for answers only.
    init(groups: UInt32 = 0) throws(XDPError) {
        let number = CMartletLinux_rawSocket(AF_NETLINK, NETLINK_ROUTE)
        guard number >= 0 else { throw .failed("open a netlink socket", device: "rtnetlink", code: errno) }
        let file = OwnedFile(number)
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups = groups
        let size = socklen_t(MemoryLayout<sockaddr_nl>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, size) }
        }
        guard result == 0 else { throw .failed("join the netlink groups", device: "rtnetlink", code: errno) }
        self.file = file
    }

    /// Sends a request and hands over the answers up to the last; `device` is for the error's text.
    mutating func request(
        _ message: NetlinkMessage, _ action: String, device: String, answer: (NetlinkReply) -> Void = { _ in }
    ) throws(XDPError) {
        try send(message, action, device: device)
        while true {
            var outcome: Int32?
            let error = receive(waiting: true) { [sequence] reply in
                guard reply.sequence == sequence, outcome == nil else { return }
                switch reply.type {
                case Int(NLMSG_DONE): outcome = 0
                case Int(NLMSG_ERROR): outcome = -(reply.body.number(Int32.self) ?? -EPROTO)
                default: answer(reply)
                }
            }
            guard error == 0 else { throw .kernel(error, action, device: device) }
            guard let outcome else { continue }
            guard outcome == 0 else { throw .kernel(outcome, action, device: device) }
            return
        }
    }

    /// Sends a request; the answers are for `receive`.
    mutating func send(_ message: NetlinkMessage, _ action: String, device: String) throws(XDPError) {
        sequence &+= 1
        var message = message
        message.setSequence(sequence)
        let sent = message.bytes.withUnsafeBytes { write(file.number, $0.baseAddress, $0.count) }
        guard sent == message.bytes.count else { throw .kernel(errno, action, device: device) }
    }

    /// Receives one datagram and hands over its messages. Returns 0, or the error number: EAGAIN when there is none,
    /// ENOBUFS when the kernel had to throw some away.
    mutating func receive(waiting: Bool, _ handle: (NetlinkReply) -> Void) -> Int32 {
        let number = file.number
        return buffer.withUnsafeMutableBytes { bytes in
            let length = CMartletLinux_receiveDatagram(number, bytes.baseAddress, bytes.count, waiting ? 1 : 0)
            guard length >= 0 else { return Int32(-length) }
            for reply in NetlinkReplies(UnsafeRawBufferPointer(rebasing: bytes[..<length])) { handle(reply) }
            return 0
        }
    }
}
