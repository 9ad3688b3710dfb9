// SPDX-License-Identifier: Apache-2.0

/// A fragment header as a value (RFC 8200 section 4.5).
@frozen
public struct IPv6Fragment: Hashable, Sendable, BitwiseCopyable {
    @inlinable public static var length: Int { 8 }

    /// What the original packet has behind its fragment header.
    public var next: IPProtocol
    /// In units of eight bytes, 0 to 8,191; higher bits are ignored when it is written.
    public var units: UInt16
    public var moreFragments: Bool
    public var identification: UInt32

    @inlinable
    public init(next: IPProtocol, units: UInt16, moreFragments: Bool, identification: UInt32) {
        self.next = next
        self.units = units
        self.moreFragments = moreFragments
        self.identification = identification
    }

    /// Reads the first eight bytes; the window must have them.
    @inlinable
    public init(_ bytes: Bytes) {
        let field: UInt16 = bytes.network(at: 2)
        self.init(
            next: IPProtocol(rawValue: bytes.load(at: 0)), units: field &>> 3, moreFragments: field & 1 != 0,
            identification: bytes.network(at: 4))
    }

    /// Where the data belongs in the original packet's fragmentable part, bytes.
    @inlinable public var offset: Int { Int(units) &* 8 }
    /// The packet is whole, header or not (RFC 6946).
    @inlinable public var isAtomic: Bool { units == 0 && !moreFragments }

    /// Writes the eight bytes of the header; the window must have them.
    @inlinable
    public func emit(into bytes: Bytes) {
        bytes.store(next.rawValue, at: 0)
        bytes.store(0 as UInt8, at: 1)
        bytes.storeNetwork(units &<< 3 | (moreFragments ? 1 : 0), at: 2)
        bytes.storeNetwork(identification, at: 4)
    }
}
