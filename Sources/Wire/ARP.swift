// SPDX-License-Identifier: Apache-2.0

/// What an ARP packet wants (RFC 826). Unknown values are kept.
@frozen
public struct ARPOperation: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt16

    @inlinable @inline(__always)
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    @inlinable public static var request: ARPOperation { ARPOperation(rawValue: 1) }
    @inlinable public static var reply: ARPOperation { ARPOperation(rawValue: 2) }
}

/// A view of an ARP packet for IPv4 over Ethernet (RFC 826).
@frozen
public struct ARPView: BitwiseCopyable {
    @inlinable public static var length: Int { 28 }

    /// From the hardware type on.
    public let bytes: Bytes

    /// Nil when there are fewer bytes than an ARP packet for IPv4 over Ethernet has.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= ARPView.length else { return nil }
        self.bytes = bytes
    }

    /// Hardware type 1, protocol type IPv4, address lengths 6 and 4. Otherwise the other fields mean nothing.
    @inlinable public var isIPv4OverEthernet: Bool { bytes.network(at: 0) as UInt64 &>> 16 == 0x0001_0800_0604 }

    @inlinable public var operation: ARPOperation { ARPOperation(rawValue: bytes.network(at: 6)) }
    @inlinable public var senderMAC: MACAddress { MACAddress(bytes, at: 8) }
    @inlinable public var senderIP: IPv4Address { IPv4Address(bytes.network(at: 14)) }
    @inlinable public var targetMAC: MACAddress { MACAddress(bytes, at: 18) }
    @inlinable public var targetIP: IPv4Address { IPv4Address(bytes.network(at: 24)) }

    /// The sender asks whether the target address is taken and has none itself yet (RFC 5227 section 2.1.1).
    @inlinable public var isProbe: Bool { operation == .request && senderIP == .any }
    /// The sender tells, unasked, of its own address (RFC 5227 section 3).
    @inlinable public var isGratuitous: Bool { senderIP == targetIP && senderIP != .any }
}

/// An ARP packet for IPv4 over Ethernet as a value (RFC 826).
@frozen
public struct ARPPacket: Hashable, Sendable, BitwiseCopyable {
    public var operation: ARPOperation
    public var senderMAC: MACAddress
    public var senderIP: IPv4Address
    public var targetMAC: MACAddress
    public var targetIP: IPv4Address

    @inlinable
    public init(
        _ operation: ARPOperation, senderMAC: MACAddress, senderIP: IPv4Address, targetMAC: MACAddress,
        targetIP: IPv4Address
    ) {
        self.operation = operation
        self.senderMAC = senderMAC
        self.senderIP = senderIP
        self.targetMAC = targetMAC
        self.targetIP = targetIP
    }

    /// Nil when the packet is not of IPv4 over Ethernet.
    @inlinable
    public init?(_ view: ARPView) {
        guard view.isIPv4OverEthernet else { return nil }
        self.init(
            view.operation, senderMAC: view.senderMAC, senderIP: view.senderIP, targetMAC: view.targetMAC,
            targetIP: view.targetIP)
    }

    /// Who has `target`? Goes to the broadcast address, or to the known station to see whether it is still there.
    @inlinable
    public static func request(for target: IPv4Address, from mac: MACAddress, _ ip: IPv4Address) -> ARPPacket {
        ARPPacket(.request, senderMAC: mac, senderIP: ip, targetMAC: .zero, targetIP: target)
    }

    /// Is `target` taken? (RFC 5227 section 2.1.1) Goes to the broadcast address.
    @inlinable
    public static func probe(for target: IPv4Address, from mac: MACAddress) -> ARPPacket {
        request(for: target, from: mac, .any)
    }

    /// `ip` is mine (RFC 5227 section 2.3). Goes to the broadcast address.
    @inlinable
    public static func announcement(of ip: IPv4Address, at mac: MACAddress) -> ARPPacket {
        request(for: ip, from: mac, ip)
    }

    /// The answer to a request: its target address is at `mac`. Goes to the request's sender.
    @inlinable
    public func reply(from mac: MACAddress) -> ARPPacket {
        ARPPacket(.reply, senderMAC: mac, senderIP: targetIP, targetMAC: senderMAC, targetIP: senderIP)
    }

    /// Writes the 28 bytes of the packet; the window must have them.
    @inlinable
    public func emit(into bytes: Bytes) {
        bytes.storeNetwork(0x0001_0800_0604_0000 | UInt64(operation.rawValue), at: 0)
        senderMAC.emit(into: bytes, at: 8)
        bytes.storeNetwork(senderIP.value, at: 14)
        targetMAC.emit(into: bytes, at: 18)
        bytes.storeNetwork(targetIP.value, at: 24)
    }
}
