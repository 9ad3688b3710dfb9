// SPDX-License-Identifier: Apache-2.0

/// What the slow protocols have in common (IEEE 802.3 Annex 57A): one EtherType, one group of stations, a subtype in the
/// first byte, and at most ten frames a second of each.
public enum SlowProtocols {
    /// 01:80:C2:00:00:02, which no bridge passes on.
    @inlinable public static var group: MACAddress { MACAddress(0x0180_C200_0002) }
    /// Bytes of a link aggregation control or marker PDU, from the subtype on, without Ethernet header and check sequence.
    @inlinable public static var length: Int { 110 }
    @inlinable public static var lacp: UInt8 { 1 }
    @inlinable public static var marker: UInt8 { 2 }
}

/// A view of a marker PDU (IEEE 802.1AX-2014 clause 6.5.3.3), from its subtype on.
@frozen
public struct MarkerView: BitwiseCopyable {
    public let bytes: Bytes

    /// Nil when the PDU is cut short.
    @inlinable
    public init?(_ bytes: Bytes) {
        guard bytes.count >= SlowProtocols.length else { return nil }
        self.bytes = bytes
    }

    /// Whether this asks for an answer, and its lengths are what they must be.
    @inlinable
    public var isRequest: Bool { bytes.load(at: 2, as: UInt8.self) == 1 && bytes.load(at: 3, as: UInt8.self) == 16 }

    /// Makes the request its own answer: the same but for the type.
    @inlinable
    public func answer() { bytes.store(UInt8(2), at: 2) }
}
