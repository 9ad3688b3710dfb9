// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph

/// What workers need of a bundle: one cache line, whose `status` alone changes while packets are under way.
struct BundleRecord: BitwiseCopyable {
    var status: BundleStatus
    var interface: InterfaceIndex
    /// By place.
    var members: InlineArray<8, InterfaceIndex>
    /// Makes this bundle's choices others than those of the routers before it.
    var seed: UInt32
    var hash: BundleHash
    var hasLACP: Bool
    private var reserved: UInt16 = 0
    private var reserved2: (UInt64, UInt64) = (0, 0)

    init(
        interface: InterfaceIndex, members: InlineArray<8, InterfaceIndex>, seed: UInt32, hash: BundleHash,
        hasLACP: Bool
    ) {
        status = BundleStatus()
        self.interface = interface
        self.members = members
        self.seed = seed
        self.hash = hash
        self.hasLACP = hasLACP
    }
}

/// Which members frames leave by, and which may bring some: a bit for each place. Changed by one store.
struct BundleStatus: BitwiseCopyable, Hashable, Sendable {
    /// Members to send by.
    var sending: UInt8 = 0
    /// Members whose frames are the bundle's.
    var receiving: UInt8 = 0
    private var reserved: UInt16 = 0
}

/// Where an interface belongs in a bundle, in one word; 0: nowhere.
struct BundlePlace: BitwiseCopyable, Hashable, Sendable {
    let word: UInt32

    @inline(__always)
    init(word: UInt32) { self.word = word }

    /// - Parameter member: The member's place; nil for the bundle itself.
    init(bundle: UInt32, member: Int? = nil) { word = bundle << 8 | UInt32(member.map { $0 + 1 } ?? 0) }

    /// The bundle's number, from 1; 0 for none.
    @inline(__always) var bundle: UInt32 { word >> 8 }
    /// A member's place, 0 to 7.
    @inline(__always) var member: Int { Int(truncatingIfNeeded: word & 0xff) &- 1 }
    @inline(__always) var isMember: Bool { word & 0xff != 0 }
}

/// The bundles as workers read them. Written by the control side before a bundle is used; then only each `status` changes,
/// as `BundleLosses` says.
struct BundleTable: BitwiseCopyable, @unchecked Sendable {
    /// A power of two; number 0 is not used.
    static let capacity = 1 << 10

    private let records: UnsafeMutablePointer<BundleRecord>
    private let places: UnsafeMutablePointer<BundlePlace>
    private let choices: UnsafeMutablePointer<UInt8>

    init() {
        precondition(MemoryLayout<BundleRecord>.stride == 64, "a bundle is one cache line")
        records = BundleTable.map(BundleTable.capacity)
        places = BundleTable.map(InterfaceTable.capacity)
        let table = BundleChoices.table()
        choices = BundleTable.map(table.count)
        choices.update(from: table, count: table.count)
    }

    private static func map<T: BitwiseCopyable>(_ count: Int) -> UnsafeMutablePointer<T> {
        guard let memory = CMartletLinux_mapAnonymous(count * MemoryLayout<T>.stride, 0) else {
            fatalError("no address space for the table of bundles")
        }
        return memory.bindMemory(to: T.self, capacity: count)
    }

    func unmap() {
        munmap(records, BundleTable.capacity * MemoryLayout<BundleRecord>.stride)
        munmap(places, InterfaceTable.capacity * MemoryLayout<BundlePlace>.stride)
        munmap(choices, BundleChoices.bucketCount << BundleChoices.places)
    }

    subscript(number: UInt32) -> BundleRecord {
        @inline(__always) unsafeAddress { UnsafePointer(records + Int(number) & (BundleTable.capacity &- 1)) }
        @inline(__always) nonmutating unsafeMutableAddress {
            records + Int(number) & (BundleTable.capacity &- 1)
        }
    }

    /// Where an interface belongs.
    subscript(place interface: InterfaceIndex) -> BundlePlace {
        @inline(__always) get { places[Int(interface) & (InterfaceTable.capacity &- 1)] }
        nonmutating set { places[Int(interface) & (InterfaceTable.capacity &- 1)] = newValue }
    }

    /// The place of the member that flows with this hash take.
    @inline(__always)
    func choice(_ hash: UInt32, among sending: UInt8) -> Int {
        let bucket = Int(truncatingIfNeeded: (UInt64(hash) &* UInt64(BundleChoices.bucketCount)) >> 32)
        return Int(choices[Int(sending) &* BundleChoices.bucketCount &+ bucket])
    }
}
