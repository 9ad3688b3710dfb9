// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// How many stations each bridge port and each domain has, and how many it may have; by the ports' generations, which of the
/// entries count.
///
/// A port's generation and its number of stations are one word. So a flush, which is one exchange of that word, knows how
/// many stations it made forget, and whoever learns counts either before the flush or after it.
struct BridgeTally: BitwiseCopyable, @unchecked Sendable {
    /// One more than the highest number of a bridge port.
    static let portCapacity = 1 << 17
    /// One more than the highest number of a domain.
    static let domainCapacity = 1 << 16

    /// Half a line for a port, half a line for a domain: a number and its limit are looked at together.
    private struct Place: BitwiseCopyable {
        /// Of a port: 48 bits of stations and above them the generation. Of a domain: its stations, signed.
        var word: UInt64
        var limit: UInt32
        /// Of a port.
        var domain: UInt32
        var reserved: (UInt64, UInt64)
    }

    private static var generationShift: UInt64 { 48 }
    private static var countMask: UInt64 { 1 << 48 &- 1 }

    private let ports: UnsafeMutablePointer<Place>
    private let domains: UnsafeMutablePointer<Place>

    init() {
        ports = BridgeTally.map(BridgeTally.portCapacity)
        domains = BridgeTally.map(BridgeTally.domainCapacity)
    }

    private static func map(_ count: Int) -> UnsafeMutablePointer<Place> {
        guard let memory = CMartletLinux_mapAnonymous(count * MemoryLayout<Place>.stride, 0) else {
            fatalError("no address space for the counts of bridges")
        }
        return memory.bindMemory(to: Place.self, capacity: count)
    }

    func unmap() {
        munmap(ports, BridgeTally.portCapacity * MemoryLayout<Place>.stride)
        munmap(domains, BridgeTally.domainCapacity * MemoryLayout<Place>.stride)
    }

    @inline(__always)
    private func port(_ number: UInt32) -> UnsafeMutablePointer<Place> {
        ports + (Int(number) & (BridgeTally.portCapacity &- 1))
    }

    @inline(__always)
    private func domain(_ number: UInt32) -> UnsafeMutablePointer<Place> {
        domains + (Int(number) & (BridgeTally.domainCapacity &- 1))
    }

    @inline(__always)
    private func word(_ place: UnsafeMutablePointer<Place>) -> UnsafeMutablePointer<Atomic<UInt64>> {
        UnsafeMutableRawPointer(place).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    // MARK: - Reading

    /// The generation that a port's entries must have to count.
    @inline(__always)
    func generation(of number: UInt32) -> UInt16 {
        UInt16(truncatingIfNeeded: word(port(number)).pointee.load(ordering: .relaxed) &>> BridgeTally.generationShift)
    }

    /// Whether an entry says where its station is: it is static, or its port was not flushed since.
    @inline(__always)
    func isLive(_ value: FDBValue) -> Bool {
        value.port != 0 && (value.isStatic || value.generation == generation(of: value.port))
    }

    /// Stations that were learned on a port, static ones not among them.
    func count(ofPort number: UInt32) -> Int {
        Int(word(port(number)).pointee.load(ordering: .relaxed) & BridgeTally.countMask)
    }

    /// Stations that were learned in a domain.
    func count(ofDomain number: UInt16) -> Int {
        max(0, Int(Int64(bitPattern: word(domain(UInt32(number))).pointee.load(ordering: .relaxed))))
    }

    // MARK: - Counting, any worker

    /// What became of the wish to learn one station more.
    enum Reservation {
        /// The generation that the entry gets.
        case generation(UInt16)
        case portIsFull, domainIsFull
    }

    /// Counts one station more on a port, unless it or its domain has as many as it may.
    /// - Parameter isMove: Whether the domain has the station already, on another port: then its limit says nothing.
    func reserve(_ number: UInt32, isMove: Bool) -> Reservation {
        let place = port(number)
        let domain = domain(place.pointee.domain)
        let total = word(domain).pointee.wrappingAdd(1, ordering: .relaxed).newValue
        guard isMove || Int64(bitPattern: total) <= Int64(domain.pointee.limit) else {
            word(domain).pointee.wrappingSubtract(1, ordering: .relaxed)
            return .domainIsFull
        }
        var current = word(place).pointee.load(ordering: .relaxed)
        while true {
            guard current & BridgeTally.countMask < UInt64(place.pointee.limit) else {
                word(domain).pointee.wrappingSubtract(1, ordering: .relaxed)
                return .portIsFull
            }
            let (done, seen) = word(place).pointee.weakCompareExchange(
                expected: current, desired: current &+ 1, ordering: .relaxed)
            if done { return .generation(UInt16(truncatingIfNeeded: current &>> BridgeTally.generationShift)) }
            current = seen
        }
    }

    /// Counts one station less on the port of an entry that is no more, unless a flush has done so.
    func release(_ value: FDBValue) {
        guard !value.isStatic else { return }
        let place = port(value.port)
        var current = word(place).pointee.load(ordering: .relaxed)
        while current &>> BridgeTally.generationShift == UInt64(value.generation) {
            let (done, seen) = word(place).pointee.weakCompareExchange(
                expected: current, desired: current &- 1, ordering: .relaxed)
            if done {
                word(domain(place.pointee.domain)).pointee.wrappingSubtract(1, ordering: .relaxed)
                return
            }
            current = seen
        }
    }

    // MARK: - Control side

    /// Makes all that was learned on a port count for nothing.
    /// - Returns: How many stations that were.
    @discardableResult
    func flush(_ number: UInt32) -> Int {
        let place = port(number)
        var current = word(place).pointee.load(ordering: .relaxed)
        while true {
            let next = (current &>> BridgeTally.generationShift &+ 1) &<< BridgeTally.generationShift
            let (done, seen) = word(place).pointee.weakCompareExchange(
                expected: current, desired: next, ordering: .releasing)
            if done { break }
            current = seen
        }
        let count = current & BridgeTally.countMask
        word(domain(place.pointee.domain)).pointee.wrappingSubtract(count, ordering: .relaxed)
        return Int(count)
    }

    /// Makes a port one of a domain. It has no entries: it is new, or flushed.
    func assign(_ number: UInt32, to domain: UInt16) { port(number).pointee.domain = UInt32(domain) }

    /// Stations that a port may have beside static ones.
    func setLimit(_ limit: Int, ofPort number: UInt32) { port(number).pointee.limit = UInt32(clamping: limit) }

    /// Stations that a domain may have beside static ones.
    func setLimit(_ limit: Int, ofDomain number: UInt16) {
        domain(UInt32(number)).pointee.limit = UInt32(clamping: limit)
    }
}
