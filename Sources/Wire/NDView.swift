// SPDX-License-Identifier: Apache-2.0

/// Why a neighbor discovery message has to be discarded in silence (RFC 4861 sections 6.1, 7.1 and 8.1, RFC 6980).
public enum NDProblem: UInt8, Error, Sendable, BitwiseCopyable, CaseIterable {
    /// Not 255: it may come from beyond the link.
    case hopLimit
    case fragmented
    case truncated
    case checksum
    case code
    /// None of the five messages.
    case unknownType
    /// An option's length is 0.
    case emptyOption
    case truncatedOption
    /// The target, or of a redirect the destination, is a group.
    case multicastTarget
    /// From :: to elsewhere than a solicited-node group.
    case unspecifiedSource
    /// From :: and yet with a source link-layer address.
    case stationOfUnspecified
    /// Solicited, and yet sent to a group.
    case solicitedByGroup
    /// A router's message does not come from a link-local address.
    case sourceNotLinkLocal
    /// A redirect to what is neither a router's link-local address nor the destination itself.
    case redirectTarget
}

extension NDProblem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .hopLimit: "hop limit is not 255"
        case .fragmented: "fragmented"
        case .truncated: "shorter than its type"
        case .checksum: "bad checksum"
        case .code: "code is not 0"
        case .unknownType: "no message of neighbor discovery"
        case .emptyOption: "option of length 0"
        case .truncatedOption: "option reaches beyond the end"
        case .multicastTarget: "target is a multicast address"
        case .unspecifiedSource: "from :: to no solicited-node group"
        case .stationOfUnspecified: "from :: with a source link-layer address"
        case .solicitedByGroup: "solicited, but sent to a group"
        case .sourceNotLinkLocal: "source is not link-local"
        case .redirectTarget: "target is neither link-local nor the destination"
        }
    }
}

/// A view of a neighbor discovery message (RFC 4861 section 4), from the ICMPv6 type on.
@frozen
public struct NDView: BitwiseCopyable {
    /// The whole message: to the end of the IP packet, without link padding.
    public let bytes: Bytes

    /// Judges nothing but the length: nil when the type is none of the five, or the message shorter than its fixed part.
    @inlinable
    public init?(_ bytes: Bytes) {
        guard let message = ICMPv6View(bytes), let length = NDView.fixedLength(message.type), bytes.count >= length
        else { return nil }
        self.bytes = bytes
    }

    /// Judges the whole message by the rules of its type.
    /// - Parameters:
    ///   - upper: The walk over the packet's extension headers, at its end, where an ICMPv6 message begins.
    ///   - packet: The packet.
    @inlinable
    public init(validating upper: IPv6Extensions, of packet: IPv6View) throws(NDProblem) {
        guard packet.hopLimit == 255 else { throw .hopLimit }
        guard upper.fragment == nil else { throw .fragmented }
        guard let message = ICMPv6View(upper.payload) else { throw .truncated }
        guard let length = NDView.fixedLength(message.type) else { throw .unknownType }
        guard message.bytes.count >= length else { throw .truncated }
        let (source, destination) = (packet.source, packet.destination)
        guard message.isChecksumRight(source: source, destination: destination) else { throw .checksum }
        guard message.code == 0 else { throw .code }
        bytes = message.bytes
        var options = options
        var hasSource = false
        while let option = options.next() { hasSource = hasSource || option.kind == .sourceLinkLayerAddress }
        if let problem = options.problem { throw problem }
        if let problem = problem(from: source, to: destination, hasSourceOption: hasSource) { throw problem }
    }

    @usableFromInline
    func problem(from source: IPv6Address, to destination: IPv6Address, hasSourceOption: Bool) -> NDProblem? {
        switch type {
        case .neighborSolicitation:
            if target.isMulticast { return .multicastTarget }
            guard source.isUnspecified else { return nil }
            if !destination.isSolicitedNode { return .unspecifiedSource }
            return hasSourceOption ? .stationOfUnspecified : nil
        case .neighborAdvertisement:
            if target.isMulticast { return .multicastTarget }
            return isSolicited && destination.isMulticast ? .solicitedByGroup : nil
        case .routerSolicitation:
            return source.isUnspecified && hasSourceOption ? .stationOfUnspecified : nil
        case .routerAdvertisement:
            return source.isLinkLocal ? nil : .sourceNotLinkLocal
        default:
            if !source.isLinkLocal { return .sourceNotLinkLocal }
            if redirectedDestination.isMulticast { return .multicastTarget }
            return target.isLinkLocal || target == redirectedDestination ? nil : .redirectTarget
        }
    }

    /// Bytes in front of the options; nil when the type is none of the five.
    @inlinable
    static func fixedLength(_ type: ICMPv6Type) -> Int? {
        switch type {
        case .routerSolicitation: 8
        case .routerAdvertisement: 16
        case .neighborSolicitation, .neighborAdvertisement: 24
        case .redirect: 40
        default: nil
        }
    }

    // MARK: - Fields

    @inlinable public var type: ICMPv6Type { ICMPv6Type(rawValue: bytes.load(at: 0)) }
    @inlinable public var options: NDOptions {
        NDOptions(bytes.dropping(first: NDView.fixedLength(type) ?? bytes.count))
    }

    /// Of a neighbor solicitation or advertisement: whose station is asked for or told. Of a redirect: the better first
    /// hop. Means nothing for the others.
    @inlinable
    public var target: IPv6Address { bytes.count >= 24 ? IPv6Address(bytes, at: 8) : IPv6Address(high: 0, low: 0) }
    /// Of a redirect: which destination has a better first hop. Means nothing for the others.
    @inlinable
    public var redirectedDestination: IPv6Address {
        bytes.count >= 40 ? IPv6Address(bytes, at: 24) : IPv6Address(high: 0, low: 0)
    }

    /// Of a neighbor advertisement: R, it comes from a router.
    @inlinable public var isRouter: Bool { flags & 0x80 != 0 }
    /// Of a neighbor advertisement: S, it answers a solicitation.
    @inlinable public var isSolicited: Bool { flags & 0x40 != 0 }
    /// Of a neighbor advertisement: O, it replaces a station that is known.
    @inlinable public var isOverriding: Bool { flags & 0x20 != 0 }

    /// Of a router advertisement: what hosts shall begin with; 0 leaves it open.
    @inlinable public var hopLimit: UInt8 { bytes.load(at: 4) }
    /// Of a router advertisement: M, addresses are had by DHCPv6.
    @inlinable public var isManaged: Bool { bytes.load(at: 5, as: UInt8.self) & 0x80 != 0 }
    /// Of a router advertisement: O, other configuration is had by DHCPv6.
    @inlinable public var hasOtherConfiguration: Bool { bytes.load(at: 5, as: UInt8.self) & 0x40 != 0 }
    /// Of a router advertisement: how good a default router it is (RFC 4191 section 2.2).
    @inlinable
    public var preference: NDPreference { NDPreference(bits: bytes.load(at: 5, as: UInt8.self) &>> 3) }
    /// Of a router advertisement: for how long it is a default router, seconds; 0 when it is none.
    @inlinable public var routerLifetime: UInt16 { bytes.network(at: 6) }
    /// Of a router advertisement: for how long a neighbour is reachable, milliseconds; 0 leaves it open.
    @inlinable public var reachableTime: UInt32 { bytes.count >= 16 ? bytes.network(at: 8) : 0 }
    /// Of a router advertisement: between solicitations, milliseconds; 0 leaves it open.
    @inlinable public var retransmissionTime: UInt32 { bytes.count >= 16 ? bytes.network(at: 12) : 0 }

    /// What the first source link-layer address option says; nil without one.
    @inlinable public var sourceStation: MACAddress? { station(.sourceLinkLayerAddress) }
    /// What the first target link-layer address option says; nil without one.
    @inlinable public var targetStation: MACAddress? { station(.targetLinkLayerAddress) }

    @inlinable
    func station(_ kind: NDOptionKind) -> MACAddress? {
        var options = options
        while let option = options.next() {
            if option.kind == kind { return option.station }
        }
        return nil
    }

    @inlinable var flags: UInt8 { bytes.load(at: 4) }
}

/// How good a default router is (RFC 4191 section 2.1).
public enum NDPreference: UInt8, Sendable, CaseIterable {
    case medium = 0
    case high = 1
    case low = 3

    /// The lowest two bits count; the reserved value is medium.
    @inlinable
    init(bits: UInt8) { self = NDPreference(rawValue: bits & 3) ?? .medium }
}
