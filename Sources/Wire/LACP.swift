// SPDX-License-Identifier: Apache-2.0

/// A view of a link aggregation control PDU (IEEE 802.1AX-2014 clause 6.4.2.3), from its subtype on: 110 bytes.
///
/// Version, TLV types and reserved fields are not judged, as clause 6.4.2.4 orders; the lengths may be.
@frozen
public struct LACPView: BitwiseCopyable {
    /// From the subtype to the end of the frame.
    public let bytes: Bytes

    /// Nil when the PDU is cut short.
    @inlinable
    public init?(_ bytes: Bytes) {
        guard bytes.count >= SlowProtocols.length else { return nil }
        self.bytes = bytes
    }

    /// Whether the three TLVs say the lengths that they must have.
    @inlinable
    public var isWellFormed: Bool {
        let lengths = (
            bytes.load(at: 3, as: UInt8.self), bytes.load(at: 23, as: UInt8.self), bytes.load(at: 43, as: UInt8.self)
        )
        return lengths == (20, 20, 16)
    }

    /// What the sender says of itself.
    @inlinable public var actor: LACPInformation { information(at: 4) }
    /// What the sender knows of the receiver.
    @inlinable public var partner: LACPInformation { information(at: 24) }

    @usableFromInline
    func information(at offset: Int) -> LACPInformation {
        LACPInformation(
            system: LACPSystem(
                priority: bytes.network(at: offset), address: MACAddress(bytes, at: offset &+ 2)),
            key: bytes.network(at: offset &+ 8),
            port: LACPPortIdentifier(
                priority: bytes.network(at: offset &+ 10), number: bytes.network(at: offset &+ 12)),
            state: LACPState(rawValue: bytes.load(at: offset &+ 14)))
    }
}

/// A link aggregation control PDU as a value, version 1.
public struct LACPPacket: Hashable, Sendable {
    public var actor: LACPInformation
    public var partner: LACPInformation
    /// How long the sender may hold a frame back before it delivers it, tens of microseconds.
    public var collectorMaximumDelay: UInt16 = 0

    public init(actor: LACPInformation, partner: LACPInformation) {
        self.actor = actor
        self.partner = partner
    }

    /// The PDU as it stands; nothing is judged.
    public init(_ view: LACPView) {
        self.init(actor: view.actor, partner: view.partner)
        collectorMaximumDelay = view.bytes.network(at: 44)
    }

    /// The frame as a port sends it, from its destination address on; without the check sequence, 124 bytes.
    /// - Parameter source: The port's own address, not the aggregate's (clause 6.2.11.2).
    public func frame(from source: MACAddress) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: EthernetView.length + SlowProtocols.length)
        frame.withBytes { bytes in
            EthernetHeader(destination: SlowProtocols.group, source: source, type: .slowProtocols).emit(into: bytes)
            emit(into: bytes.dropping(first: EthernetView.length))
        }
        return frame
    }

    /// Writes the 110 bytes; the window must have them, and be zero where the standard reserves.
    public func emit(into bytes: Bytes) {
        bytes.store(SlowProtocols.lacp, at: 0)
        bytes.store(UInt8(1), at: 1)
        for (offset, type, length) in [(2, 1, 20), (22, 2, 20), (42, 3, 16)] {
            bytes.store(UInt8(type), at: offset)
            bytes.store(UInt8(length), at: offset + 1)
        }
        actor.emit(into: bytes, at: 4)
        partner.emit(into: bytes, at: 24)
        bytes.storeNetwork(collectorMaximumDelay, at: 44)
    }
}

/// What one side says of itself, or knows of the other (clause 6.4.2.3).
@frozen
public struct LACPInformation: Hashable, Sendable, BitwiseCopyable {
    public var system: LACPSystem
    /// Links with the same key of a system may be aggregated.
    public var key: UInt16
    public var port: LACPPortIdentifier
    public var state: LACPState

    public init(
        system: LACPSystem = LACPSystem(), key: UInt16 = 0, port: LACPPortIdentifier = LACPPortIdentifier(),
        state: LACPState = []
    ) {
        self.system = system
        self.key = key
        self.port = port
        self.state = state
    }

    @usableFromInline
    func emit(into bytes: Bytes, at offset: Int) {
        bytes.storeNetwork(system.priority, at: offset)
        system.address.emit(into: bytes, at: offset + 2)
        bytes.storeNetwork(key, at: offset + 8)
        bytes.storeNetwork(port.priority, at: offset + 10)
        bytes.storeNetwork(port.number, at: offset + 12)
        bytes.store(state.rawValue, at: offset + 14)
    }
}

extension LACPInformation: CustomStringConvertible {
    public var description: String { "system \(system) key \(key) port \(port): \(state)" }
}

/// Which system it is (clause 6.3.2). Of two, the lower one decides which links stand by.
@frozen
public struct LACPSystem: Hashable, Sendable, BitwiseCopyable, Comparable, CustomStringConvertible {
    public var priority: UInt16
    public var address: MACAddress

    public init(priority: UInt16 = 0, address: MACAddress = .zero) {
        self.priority = priority
        self.address = address
    }

    public static func < (a: Self, b: Self) -> Bool { (a.priority, a.address.value) < (b.priority, b.address.value) }

    public var description: String { "\(priority),\(address)" }
}

/// Which of a system's ports it is (clause 6.3.4). The lower ones are used first.
@frozen
public struct LACPPortIdentifier: Hashable, Sendable, BitwiseCopyable, Comparable, CustomStringConvertible {
    public var priority: UInt16
    public var number: UInt16

    public init(priority: UInt16 = 0, number: UInt16 = 0) {
        self.priority = priority
        self.number = number
    }

    public static func < (a: Self, b: Self) -> Bool { (a.priority, a.number) < (b.priority, b.number) }

    public var description: String { "\(priority),\(number)" }
}

/// How a port stands (clause 6.4.2.3).
@frozen
public struct LACPState: OptionSet, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
    public let rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Speaks whether it is spoken to or not.
    @inlinable public static var active: LACPState { LACPState(rawValue: 1 << 0) }
    /// Wants to hear something each second, and gives the other side up after three.
    @inlinable public static var shortTimeout: LACPState { LACPState(rawValue: 1 << 1) }
    /// May be aggregated with others.
    @inlinable public static var aggregatable: LACPState { LACPState(rawValue: 1 << 2) }
    /// Is where it belongs: part of the right aggregate.
    @inlinable public static var synchronized: LACPState { LACPState(rawValue: 1 << 3) }
    @inlinable public static var collecting: LACPState { LACPState(rawValue: 1 << 4) }
    @inlinable public static var distributing: LACPState { LACPState(rawValue: 1 << 5) }
    /// Knows of the other side only what was configured.
    @inlinable public static var defaulted: LACPState { LACPState(rawValue: 1 << 6) }
    /// Has not heard of the other side in time.
    @inlinable public static var expired: LACPState { LACPState(rawValue: 1 << 7) }

    private static let names = [
        "active", "short-timeout", "aggregatable", "in-sync", "collecting", "distributing", "defaulted", "expired",
    ]

    /// The names of those that are set.
    public var words: [String] { LACPState.names.enumerated().filter { rawValue >> $0.offset & 1 == 1 }.map(\.element) }

    public var description: String { words.isEmpty ? "none" : words.joined(separator: " ") }
}
