// SPDX-License-Identifier: Apache-2.0
import Glibc
import Wire

/// A block of addresses of one family, as routes have them: what the tables need to know of IPv4 and IPv6 prefixes.
///
/// Prefixes sort by address, and of those with the same address the shorter one comes first.
public protocol RoutePrefix: Hashable, Comparable, Sendable, CustomStringConvertible {
    associatedtype Address: Hashable, Comparable, Sendable, CustomStringConvertible
    /// Holds the routes of one prefix length.
    associatedtype Map: PrefixMapping where Map.Address == Address
    /// What workers look up in.
    associatedtype Lookup: LookupTable where Lookup.Prefix == Self

    static var family: AddressFamily { get }
    /// The prefix of the default route.
    static var all: Self { get }

    /// The block of `length` bits which contains `address`; 0...`maximumLength`.
    init(_ address: Address, length: Int)
    /// The first address of the block.
    var address: Address { get }
    /// The last address of the block.
    var last: Address { get }
    /// The number of leading bits that matter.
    var length: Int { get }
    func contains(_ other: Address) -> Bool
    /// Whether every address of `other` is in this block; a prefix contains itself.
    func contains(_ other: Self) -> Bool
}

extension RoutePrefix {
    /// The bits of an address.
    public static var maximumLength: Int { family.bitCount }
}

extension IPv4Prefix: RoutePrefix {
    public typealias Map = PrefixMap<IPv4MapEntry>
    public typealias Lookup = IPv4LookupTable
    public static var family: AddressFamily { .ipv4 }
}

extension IPv6Prefix: RoutePrefix {
    public typealias Map = IPv6PrefixMap
    public typealias Lookup = IPv6LookupTable
    public static var family: AddressFamily { .ipv6 }
}

/// Longest-prefix match that workers read while the control side changes it. One writer, any number of readers.
public protocol LookupTable: AnyObject {
    associatedtype Prefix: RoutePrefix
    /// The workers' side: one pointer or so, copied freely.
    associatedtype Reader: BitwiseCopyable, Sendable

    /// How many groups of slots a table may have unless it is told otherwise; they cost address space only.
    static var defaultMaximumGroups: Int { get }
    /// The greatest result a route may have.
    static var maximumResult: UInt32 { get }

    /// Makes an empty table, in which every lookup gives 0.
    init(maximumGroups: Int, afterQuiescence: @escaping AfterQuiescence) throws(LookupTableError)
    /// What workers look up with; valid for as long as the table lives.
    var reader: Reader { get }
    /// Makes `prefix` lead to `result`, unless a longer prefix in the table knows better. On an error no lookup has
    /// changed.
    func set(_ prefix: Prefix, result: UInt32) throws(LookupTableError)
    /// Removes `prefix`, which must be in the table, and uncovers `cover`: the longest prefix but itself that contains
    /// it, nil if that is the default route or nothing.
    func remove(_ prefix: Prefix, uncovering cover: (length: Int, result: UInt32)?)
    /// Bytes of the table that are in memory.
    var memoryBytes: Int { get }
    /// Groups in use, and given up but possibly still read.
    var groupCount: (used: Int, retired: Int) { get }
}

/// Runs its argument once every reader that was inside a lookup at the time of the call has left it, in the
/// isolation in which the table is changed.
public typealias AfterQuiescence = (_ release: @escaping () -> Void) -> Void

/// Why a lookup table could not be made or changed. Nothing has changed then.
public enum LookupTableError: Error, Equatable, CustomStringConvertible {
    /// The kernel refused memory.
    case noMemory(AddressFamily, bytes: Int, errno: Int32)
    /// All groups for long routes are in use, or given up and still to be released by the workers (`retired`).
    case full(AddressFamily, used: Int, retired: Int, maximum: Int)
    /// A result that does not fit into a slot.
    case resultTooLarge(UInt32, maximum: UInt32)

    public var description: String {
        switch self {
        case .noMemory(let family, let bytes, let code):
            "no memory for the \(family) lookup table (\(bytes >> 10) KiB): \(String(cString: strerror(code)));"
                + " raise the limit on address space (ulimit -v) or free memory"
        case .full(let family, let used, let retired, let maximum):
            "the \(family) lookup table is full: of \(maximum) groups of slots \(used) are in use"
                + (retired > 0 ? " and \(retired) wait for the workers" : "")
        case .resultTooLarge(let result, let maximum):
            "route result \(result) is greater than \(maximum)"
        }
    }
}
