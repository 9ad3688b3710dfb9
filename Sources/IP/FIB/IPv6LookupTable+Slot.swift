// SPDX-License-Identifier: Apache-2.0
import Wire

extension IPv6LookupTable {
    /// What the 32 bits of a slot mean.
    ///
    /// | bit 31 | bits 30...24 | bits 23...0 |
    /// |---|---|---|
    /// | 1 | first bit that the group below decides on, 24...124; 0 for a skip | number of its 32-byte unit |
    ///
    /// | bit 31 | bits 28...25 | bits 24...0 |
    /// |---|---|---|
    /// | 0 | the owner: 1 a route too short for this group, n + 1 one of n bits more than came before the group | result |
    ///
    /// 0 is an empty slot: a route of at most 12 bits, or none.
    @usableFromInline
    enum Slot {
        @usableFromInline static var valueMask: UInt32 { @inline(__always) @inlinable get { 1 << 25 - 1 } }
        @usableFromInline static var unitMask: UInt32 { @inline(__always) @inlinable get { 1 << 24 - 1 } }
        @usableFromInline static var empty: UInt32 { @inline(__always) @inlinable get { 0 } }
        static let extended: UInt32 = 1 << 31
        private static let ownerShift: UInt32 = 25

        @inlinable
        @inline(__always)
        static func isExtended(_ slot: UInt32) -> Bool { Int32(bitPattern: slot) < 0 }

        @inlinable
        @inline(__always)
        static func value(_ slot: UInt32) -> UInt32 { slot & valueMask }

        /// Of an extended slot: 0 for a skip.
        @inlinable
        @inline(__always)
        static func position(_ slot: UInt32) -> Int { Int(truncatingIfNeeded: slot &>> 24 & 127) }

        /// Of an extended slot, in bytes from the first unit.
        @inlinable
        @inline(__always)
        static func offset(_ slot: UInt32) -> Int { Int(truncatingIfNeeded: slot & unitMask) &<< 5 }

        static func isSkip(_ slot: UInt32) -> Bool { slot >> 24 == 128 }
        static func skip(_ unit: UInt32) -> UInt32 { extended | unit }
        /// - Parameter number: Of the group, in units of its size.
        static func group(_ number: UInt32, at position: Int) -> UInt32 {
            extended | UInt32(position) << 24 | number << groupUnitShift
        }
        static func groupNumber(_ slot: UInt32) -> UInt32 { (slot & unitMask) >> groupUnitShift }
        static let groupUnitShift: UInt32 = 3

        /// The slot of a route with `owner` bits, in a group behind `position` bits; an owner of 0 bits is none.
        static func leaf(_ owner: Int, _ value: UInt32, behind position: Int) -> UInt32 {
            owner == 0 ? empty : UInt32(max(owner - position, 0) + 1) << ownerShift | value
        }
        /// The length of the route that a slot which is not extended belongs to, 0 for none; that of the short ones
        /// is `inherited`.
        static func owner(_ slot: UInt32, behind position: Int, _ inherited: Int) -> Int {
            switch slot >> ownerShift {
            case 0: 0
            case 1: inherited
            case let code: position + Int(code) - 1
            }
        }
        /// Whether the route that the slot belongs to is one of the group's own.
        static func isOwn(_ slot: UInt32) -> Bool { slot >> ownerShift > 1 }
    }

    /// Where groups are: behind 24, 30, ... 60, 64, 70, ... 124 bits. Each decides on 6 bits, but for the last one of
    /// each half of the address, which decides on 4 and uses every fourth of its slots.
    enum Grid {
        static let rootDepth = 24
        /// Routes of at most so many bits are in a table aside.
        static let shortDepth = 12
        static let groupSlots = 64
        static let groupBytes = 256

        /// The last position that is not behind `depth`, 24...127.
        static func floor(_ depth: Int) -> Int {
            depth < 64 ? rootDepth + (depth - rootDepth) / 6 * 6 : 64 + (depth - 64) / 6 * 6
        }
        /// The bits that are decided behind a group.
        static func end(_ position: Int) -> Int { position == 60 || position == 124 ? position + 4 : position + 6 }
        /// From one used slot to the next.
        static func stride(_ position: Int) -> Int { position == 60 || position == 124 ? 4 : 1 }

        static func index(of address: IPv6Address, behind position: Int) -> Int {
            Int(((position < 64 ? address.high : address.low) &<< UInt64(position)) >> 58)
        }
        /// The slots of a prefix that ends in the group behind `position`.
        static func slots(of prefix: IPv6Prefix, behind position: Int) -> Range<Int> {
            let first = index(of: prefix.address, behind: position)
            return first..<first + groupSlots >> (prefix.length - position)
        }
    }

    /// A shortcut past the bits that all routes below a slot have in common: 32 bytes.
    ///
    /// Who agrees with it in `length` bits goes on inside, where the one route is, or a group behind those bits;
    /// everybody else has come to the route that covers it.
    @usableFromInline
    struct Skip {
        /// The prefix; it never changes.
        @usableFromInline let high: UInt64
        @usableFromInline let low: UInt64
        @usableFromInline let length: UInt8
        /// The length of the route outside: for the writer.
        var cover: UInt8

        /// Of the slots inside and outside, in bytes from the skip's beginning.
        @usableFromInline static var insideOffset: Int { @inline(__always) @inlinable get { 24 } }
        @usableFromInline static var outsideOffset: Int { @inline(__always) @inlinable get { 28 } }
        static let bytes = 32

        init(_ prefix: IPv6Prefix, cover: Int) {
            high = prefix.address.high
            low = prefix.address.low
            length = UInt8(prefix.length)
            self.cover = UInt8(cover)
        }

        var prefix: IPv6Prefix { IPv6Prefix(IPv6Address(high: high, low: low), length: Int(length)) }

        @inlinable
        @inline(__always)
        func contains(_ high: UInt64, _ low: UInt64) -> Bool {
            // Shifts wrap at 64: of a skip within the upper half (its length is never 0) the lower half is masked out.
            let length = UInt64(truncatingIfNeeded: length)
            let upper: UInt64 = length < 64 ? ~(.max &>> length) : .max
            let lower: UInt64 = length > 64 ? .max &<< (128 &- length) : 0
            return (high ^ self.high) & upper | (low ^ self.low) & lower == 0
        }
    }
}
