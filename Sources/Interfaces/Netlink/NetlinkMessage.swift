// SPDX-License-Identifier: Apache-2.0
import CMartletLinux

/// A netlink request under construction: header, fixed part, attributes. Numbers are in the host's byte order.
///
/// Source: RFC 3549, section 2.3.2; Linux, Documentation/userspace-api/netlink/intro.rst.
struct NetlinkMessage {
    private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - type: `RTM_...`.
    ///   - flags: `NLM_F_...`; NLM_F_REQUEST is added.
    init<Fixed: BitwiseCopyable>(type: Int, flags: Int32, fixed: Fixed) {
        append(
            nlmsghdr(
                nlmsg_len: 0, nlmsg_type: UInt16(type), nlmsg_flags: UInt16(NLM_F_REQUEST | flags), nlmsg_seq: 0,
                nlmsg_pid: 0))
        append(fixed)
        setLength()
    }

    mutating func add(_ attribute: Int, _ value: UInt32) {
        add(attribute) { $0.append(value) }
    }

    /// A string with the zero at its end that the kernel wants.
    mutating func add(_ attribute: Int, _ text: String) {
        add(attribute) { $0.bytes += Array(text.utf8) + [0] }
    }

    /// An attribute whose content `fill` appends: raw bytes, or attributes inside it.
    mutating func add(_ attribute: Int, _ fill: (inout NetlinkMessage) -> Void) {
        let start = bytes.count
        append(nlattr(nla_len: 0, nla_type: UInt16(attribute)))
        fill(&self)
        let length = UInt16(bytes.count - start)
        withUnsafeBytes(of: length) { bytes.replaceSubrange(start..<start + 2, with: $0) }
        pad()
        setLength()
    }

    mutating func append<Value: BitwiseCopyable>(_ value: Value) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
        pad()
    }

    /// The number by which the answer is known.
    mutating func setSequence(_ number: UInt32) {
        withUnsafeBytes(of: number) { bytes.replaceSubrange(8..<12, with: $0) }
    }

    private mutating func setLength() {
        withUnsafeBytes(of: UInt32(bytes.count)) { bytes.replaceSubrange(0..<4, with: $0) }
    }

    private mutating func pad() {
        while bytes.count % 4 != 0 { bytes.append(0) }
    }
}

/// One message that the kernel sent, inside the buffer it was received in.
struct NetlinkReply {
    var type: Int
    var sequence: UInt32
    /// Part of a listing that was asked for, not news.
    var isListed: Bool
    /// The listing changed while it was made.
    var isInterrupted: Bool
    /// What follows the header.
    var body: UnsafeRawBufferPointer
}

/// The messages of one datagram. Ends at the first that is cut short.
struct NetlinkReplies: Sequence, IteratorProtocol {
    private var rest: UnsafeRawBufferPointer

    init(_ datagram: UnsafeRawBufferPointer) { rest = datagram }

    mutating func next() -> NetlinkReply? {
        let headerSize = MemoryLayout<nlmsghdr>.size
        guard rest.count >= headerSize else { return nil }
        let header = rest.loadUnaligned(as: nlmsghdr.self)
        let length = Int(header.nlmsg_len)
        guard length >= headerSize, length <= rest.count else { return nil }
        let body = UnsafeRawBufferPointer(rebasing: rest[headerSize..<length])
        rest = UnsafeRawBufferPointer(rebasing: rest[Swift.min((length + 3) & ~3, rest.count)...])
        return NetlinkReply(
            type: Int(header.nlmsg_type), sequence: header.nlmsg_seq,
            isListed: header.nlmsg_flags & UInt16(NLM_F_MULTI) != 0,
            isInterrupted: header.nlmsg_flags & UInt16(NLM_F_DUMP_INTR) != 0, body: body)
    }
}

/// The attributes in a piece of a message. Ends at the first that is cut short.
struct NetlinkAttributes: Sequence, IteratorProtocol {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    mutating func next() -> (type: Int, value: UnsafeRawBufferPointer)? {
        guard rest.count >= 4 else { return nil }
        let length = Int(rest.loadUnaligned(as: UInt16.self))
        // The two top bits say "nested" and "network byte order".
        let type = Int(rest.loadUnaligned(fromByteOffset: 2, as: UInt16.self) & 0x3fff)
        guard length >= 4, length <= rest.count else { return nil }
        let value = UnsafeRawBufferPointer(rebasing: rest[4..<length])
        rest = UnsafeRawBufferPointer(rebasing: rest[Swift.min((length + 3) & ~3, rest.count)...])
        return (type, value)
    }
}

extension UnsafeRawBufferPointer {
    /// The value of an attribute; nil when it is too short.
    func number<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
        count >= MemoryLayout<Number>.size ? loadUnaligned(as: Number.self) : nil
    }

    /// Text up to the first zero, or the end.
    var text: String { String(decoding: prefix { $0 != 0 }, as: UTF8.self) }
}
