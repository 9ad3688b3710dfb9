// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Synchronization
import Wire

/// What tells sessions apart while the peer does not know this side's discriminator (RFC 5881 section 3, RFC 5883
/// section 4): over a single hop the interface and the peer, over several the two addresses and the table (VRF).
struct BFDKey: Hashable, BitwiseCopyable, Sendable {
    /// 0 for a multihop session.
    let interface: InterfaceIndex
    let peer: IPAddress
    /// Unspecified over a single hop: there is one session for each peer on a link.
    let local: IPAddress
    /// The number of a multihop session's table; 0 over a single hop, where the interface says it.
    let table: UInt32

    static func singleHop(_ interface: InterfaceIndex, peer: IPAddress) -> BFDKey {
        BFDKey(interface: interface, peer: peer, local: peer.v4 == nil ? .v6(.any) : .v4(.any), table: 0)
    }

    static func multihop(peer: IPAddress, local: IPAddress, table: UInt32) -> BFDKey {
        BFDKey(interface: 0, peer: peer, local: local, table: table)
    }

    /// Mixed well enough for a table that only the operator fills.
    var mixed: UInt64 {
        func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
            let product = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
            return product ^ product >> 29
        }
        let (peer, local) = (peer.words, local.words)
        return mix(mix(mix(mix(UInt64(table) << 32 | UInt64(interface), peer.0), peer.1), local.0), local.1)
    }
}

extension IPAddress {
    fileprivate var words: (UInt64, UInt64) {
        switch self {
        case .v4(let address): (0, UInt64(address.value))
        case .v6(let address): (address.high, address.low)
        }
    }
}

/// One session as workers see it. Its worker alone writes, but for the first group, which stands before it is published.
struct BFDSlot: BitwiseCopyable {
    /// The session's number, published last; 0 while the slot is nobody's.
    var discriminator: UInt32
    let worker: UInt16
    /// The UDP port that its packets come from.
    let sourcePort: UInt16
    let key: BFDKey
    let local: IPAddress
    /// To the peer, over a single hop; 0 over several, where every packet is looked up.
    let adjacency: AdjacencyIndex
    /// Over several hops, an interface of the table in which its packets are looked up; 0 over a single hop.
    let viaInterface: InterfaceIndex
    /// Names the session's own echo packets: nobody else can make them.
    let cookie: UInt64

    var session: BFDSession
    /// New parameters, on their way to the session.
    var staged: BFDParameters
    var timer = TimerHandle.none
    /// For when the timer is set, microseconds; `.max` while it is not.
    var scheduled = UInt64.max
    /// When a session that was removed has told its peer often enough, microseconds.
    var leavesAt = UInt64.max
    var echoSequence: UInt32 = 0
    /// Whether a failure takes the adjacency out of service.
    var isGuard = false
    /// The path was lost, and is not known to be good again.
    var hasFailed = false
    /// News that the control side's queue had no room for.
    var unreported: BFDNews?
    var counters = BFDCounters()

    var isMultihop: Bool { key.interface == 0 }
    /// The adjacency is out of service on this session's account.
    var keepsNeighborDown: Bool { isGuard && hasFailed && adjacency != 0 }
}

/// What a session counted.
public struct BFDCounters: BitwiseCopyable, Sendable, Encodable, Hashable {
    public internal(set) var received: UInt64 = 0
    public internal(set) var sent: UInt64 = 0
    public internal(set) var echoesReceived: UInt64 = 0
    public internal(set) var echoesSent: UInt64 = 0
    /// The peer's echo packets that were sent back; those that forwarding returns are not seen here.
    public internal(set) var echoesLooped: UInt64 = 0
    /// Packets for this session that were dropped: forged, or with a TTL that is too low.
    public internal(set) var dropped: UInt64 = 0
    /// Packets that could not be sent for want of a buffer.
    public internal(set) var unsent: UInt64 = 0

    static func - (a: BFDCounters, b: BFDCounters) -> BFDCounters {
        var c = a
        c.received &-= b.received
        c.sent &-= b.sent
        c.echoesReceived &-= b.echoesReceived
        c.echoesSent &-= b.echoesSent
        c.echoesLooped &-= b.echoesLooped
        c.dropped &-= b.dropped
        c.unsent &-= b.unsent
        return c
    }
}

/// What a worker tells the control side of a session.
struct BFDNews: BitwiseCopyable {
    let slot: UInt32
    let discriminator: UInt32
    let from: BFDState
    let to: BFDState
    let diagnostic: BFDDiagnostic
    let remoteState: BFDState
    let remoteDiagnostic: BFDDiagnostic
    /// The path is lost: not an operator's doing, on either side.
    var isFailure: Bool
    /// Nothing that BFD knows speaks against the path: it is Up, or an operator has taken BFD off it.
    var isPathTrusted: Bool { to == .up || to == .adminDown || remoteState == .adminDown }
    /// A removed session has said goodbye; its slot is free.
    var hasLeft: Bool
    /// `Clock.now` when the worker saw it.
    let clock: UInt64
}

/// The sessions of a router, found by discriminator with one look and by key with a few.
///
/// The low half of a discriminator is the slot's number, the high half is random: one that is guessed, or of an earlier
/// session in the slot, does not match. The control side adds and removes with single stores.
struct BFDTable: BitwiseCopyable, @unchecked Sendable {
    static let capacity = 1 << 16
    private static let indexCapacity = capacity * 2
    private static let forgotten = UInt32.max

    private let slots: UnsafeMutablePointer<BFDSlot>
    /// Slots by key, open addressing: 0 is empty, others are numbers of slots plus one.
    private let index: UnsafeMutablePointer<UInt32>

    init() {
        let slotBytes = BFDTable.capacity * MemoryLayout<BFDSlot>.stride
        let indexBytes = BFDTable.indexCapacity * MemoryLayout<UInt32>.stride
        guard let slotMemory = CMartletLinux_mapAnonymous(slotBytes, 0),
            let indexMemory = CMartletLinux_mapAnonymous(indexBytes, 0)
        else { fatalError("no address space for the table of BFD sessions") }
        slots = slotMemory.bindMemory(to: BFDSlot.self, capacity: BFDTable.capacity)
        index = indexMemory.bindMemory(to: UInt32.self, capacity: BFDTable.indexCapacity)
    }

    func unmap() {
        munmap(slots, BFDTable.capacity * MemoryLayout<BFDSlot>.stride)
        munmap(index, BFDTable.indexCapacity * MemoryLayout<UInt32>.stride)
    }

    subscript(slot: Int) -> BFDSlot {
        unsafeAddress { UnsafePointer(slots + slot) }
        nonmutating unsafeMutableAddress { slots + slot }
    }

    // MARK: - Any thread

    func find(_ discriminator: UInt32) -> Int? {
        let slot = Int(discriminator) & (BFDTable.capacity &- 1)
        return discriminator != 0 && slots[slot].discriminator == discriminator ? slot : nil
    }

    func find(_ key: BFDKey) -> Int? {
        guard let place = place(of: key) else { return nil }
        let slot = Int(index[place]) &- 1
        return slots[slot].discriminator != 0 ? slot : nil
    }

    private func place(of key: BFDKey) -> Int? {
        var place = BFDTable.start(key)
        for _ in 0..<BFDTable.indexCapacity {
            let entry = index[place]
            if entry == 0 { return nil }
            if entry != BFDTable.forgotten, slots[Int(entry) &- 1].key == key { return place }
            place = BFDTable.next(place)
        }
        return nil
    }

    private static func start(_ key: BFDKey) -> Int { Int(truncatingIfNeeded: key.mixed >> 40) & (indexCapacity - 1) }
    private static func next(_ place: Int) -> Int { (place &+ 1) & (indexCapacity - 1) }

    // MARK: - The control side

    /// Fills a slot that is nobody's and lets the workers see it.
    func publish(_ slot: Int, _ contents: BFDSlot) {
        let discriminator = contents.discriminator
        (slots + slot).initialize(to: contents)
        slots[slot].discriminator = 0
        // A worker that sees the number sees the rest.
        atomicMemoryFence(ordering: .releasing)
        slots[slot].discriminator = discriminator
        var place = BFDTable.start(contents.key)
        while index[place] != 0, index[place] != BFDTable.forgotten { place = BFDTable.next(place) }
        index[place] = UInt32(slot) + 1
    }

    /// Takes a slot out of the workers' sight; it may be filled again when none of them can be looking at it any more.
    func withdraw(_ slot: Int) {
        if var place = place(of: slots[slot].key), index[place] == UInt32(slot) + 1 {
            index[place] = BFDTable.forgotten
            // Before an empty place nothing needs to be remembered.
            while index[BFDTable.next(place)] == 0, index[place] == BFDTable.forgotten {
                index[place] = 0
                place = (place &- 1) & (BFDTable.indexCapacity - 1)
            }
        }
        slots[slot].discriminator = 0
    }
}
