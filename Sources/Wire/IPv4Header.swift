// SPDX-License-Identifier: Apache-2.0

/// An IPv4 header without options as a value (RFC 791 section 3.1).
@frozen
public struct IPv4Header: Hashable, Sendable, BitwiseCopyable {
    @inlinable public static var length: Int { 20 }

    /// DSCP and ECN.
    public var trafficClass: UInt8
    /// Header and data, bytes.
    public var totalLength: UInt16
    public var identification: UInt16
    public var dontFragment: Bool
    public var moreFragments: Bool
    /// In units of eight bytes, 0 to 8,191.
    public var fragmentUnits: UInt16
    public var timeToLive: UInt8
    public var `protocol`: IPProtocol
    public var source: IPv4Address
    public var destination: IPv4Address

    @inlinable
    public init(
        source: IPv4Address, destination: IPv4Address, protocol: IPProtocol, payloadLength: Int = 0,
        timeToLive: UInt8 = 64, trafficClass: UInt8 = 0, identification: UInt16 = 0, dontFragment: Bool = false,
        moreFragments: Bool = false, fragmentUnits: UInt16 = 0
    ) {
        self.trafficClass = trafficClass
        totalLength = UInt16(truncatingIfNeeded: IPv4Header.length &+ payloadLength)
        self.identification = identification
        self.dontFragment = dontFragment
        self.moreFragments = moreFragments
        self.fragmentUnits = fragmentUnits
        self.timeToLive = timeToLive
        self.protocol = `protocol`
        self.source = source
        self.destination = destination
    }

    /// The header of a packet, as it stands. Options are left out, and nothing is judged.
    @inlinable
    public init(_ view: IPv4View) {
        trafficClass = view.trafficClass
        totalLength = UInt16(truncatingIfNeeded: view.totalLength)
        identification = view.identification
        dontFragment = view.dontFragment
        moreFragments = view.moreFragments
        fragmentUnits = view.fragmentField & 0x1FFF
        timeToLive = view.timeToLive
        `protocol` = view.protocol
        source = view.source
        destination = view.destination
    }

    /// Writes the 20 bytes of the header, checksum included; the window must have them.
    @inlinable
    public func emit(into bytes: Bytes) {
        let fragment = fragmentUnits & 0x1FFF | (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0)
        bytes.store(0x45 as UInt8, at: 0)
        bytes.store(trafficClass, at: 1)
        bytes.storeNetwork(totalLength, at: 2)
        bytes.storeNetwork(identification, at: 4)
        bytes.storeNetwork(fragment, at: 6)
        bytes.store(timeToLive, at: 8)
        bytes.store(`protocol`.rawValue, at: 9)
        bytes.storeNetwork(0 as UInt16, at: 10)
        bytes.storeNetwork(source.value, at: 12)
        bytes.storeNetwork(destination.value, at: 16)
        var sum = InternetChecksum()
        sum.add(bytes.prefix(IPv4Header.length))
        bytes.storeNetwork(sum.value, at: 10)
    }
}
