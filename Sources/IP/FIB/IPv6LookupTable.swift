// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization
import Wire

/// Longest-prefix match for IPv6: a binary trie, a bit of the address a step.
public final class IPv6LookupTable: LookupTable {
    public typealias Prefix = IPv6Prefix

    /// Two children and a result, each one word. Node 0 is the root and no node's child.
    private let words: UnsafeMutablePointer<Atomic<UInt32>>
    private let maximum: Int
    private var used = 1
    public private(set) var reader: Reader

    public static let defaultMaximumGroups = 1 << 24
    public static let maximumResult: UInt32 = 1 << 25 - 1

    public init(maximumGroups: Int, afterQuiescence: @escaping AfterQuiescence) throws(LookupTableError) {
        maximum = max(1, maximumGroups)
        guard let memory = CMartletLinux_mapAnonymous(maximum * 12, 0) else {
            throw .noMemory(.ipv6, bytes: maximum * 12, errno: errno)
        }
        words = memory.bindMemory(to: Atomic<UInt32>.self, capacity: maximum * 3)
        reader = Reader(words: UnsafePointer(words))
    }

    deinit { munmap(words, maximum * 12) }

    public func set(_ prefix: IPv6Prefix, result: UInt32) throws(LookupTableError) {
        guard result <= Self.maximumResult else { throw .resultTooLarge(result, maximum: Self.maximumResult) }
        var node = 0
        for position in 0..<prefix.length {
            let link = node * 3 + Reader.bit(prefix.address.high, prefix.address.low, position)
            var child = Int(words[link].load(ordering: .relaxed))
            if child == 0 {
                guard used < maximum else { throw .full(.ipv6, used: used, retired: 0, maximum: maximum) }
                child = used
                used += 1
                words[link].store(UInt32(child), ordering: .releasing)
            }
            node = child
        }
        words[node * 3 + 2].store(result | 1 << 31, ordering: .releasing)
    }

    public func remove(_ prefix: IPv6Prefix, uncovering cover: (length: Int, result: UInt32)?) {
        var node = 0
        for position in 0..<prefix.length {
            let link = node * 3 + Reader.bit(prefix.address.high, prefix.address.low, position)
            node = Int(words[link].load(ordering: .relaxed))
            guard node != 0 else { return }
        }
        words[node * 3 + 2].store(0, ordering: .releasing)
    }

    public var memoryBytes: Int { used * 12 }
    public var groupCount: (used: Int, retired: Int) { (used, 0) }

    @frozen
    public struct Reader: BitwiseCopyable, @unchecked Sendable {
        @usableFromInline let words: UnsafePointer<Atomic<UInt32>>

        @inlinable
        static func bit(_ high: UInt64, _ low: UInt64, _ position: Int) -> Int {
            Int(position < 64 ? high >> UInt64(63 - position) & 1 : low >> UInt64(127 - position) & 1)
        }

        @inlinable
        public func lookup(high: UInt64, low: UInt64) -> UInt32 {
            var node = 0
            var best: UInt32 = 0
            for position in 0..<129 {
                let result = words[node * 3 + 2].load(ordering: .acquiring)
                if result != 0 { best = result & (1 << 31 - 1) }
                guard position < 128 else { break }
                node = Int(words[node * 3 + Reader.bit(high, low, position)].load(ordering: .acquiring))
                if node == 0 { break }
            }
            return best
        }

        @inlinable
        public func prefetch(high: UInt64, low: UInt64) {}
    }
}

extension IPv6Prefix: RoutePrefix {
    public typealias Map = PrefixMap<IPv6MapEntry>
    public typealias Lookup = IPv6LookupTable
    public static var family: AddressFamily { .ipv6 }
}
