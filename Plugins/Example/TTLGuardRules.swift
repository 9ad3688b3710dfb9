// SPDX-License-Identifier: Apache-2.0
import Wire

/// One protocol of the router's, and how near its packets must come from.
public struct TTLGuardRule: BitwiseCopyable, Sendable, Equatable {
    /// The packets to these addresses, the router's own as a rule.
    public let destinations: IPv4Prefix
    public let `protocol`: IPProtocol
    /// At either end: the session may have been opened from either.
    public let port: UInt16
    /// The lowest TTL that is accepted: 255 for neighbours, one less for each router between.
    public let minimum: UInt8

    public init(to destinations: IPv4Prefix = .all, _ protocol: IPProtocol, port: UInt16, minimum: UInt8 = 255) {
        self.destinations = destinations
        self.protocol = `protocol`
        self.port = port
        self.minimum = minimum
    }

    /// What rules look at.
    struct Flow {
        let destination: IPv4Address
        let `protocol`: IPProtocol
        let ports: (UInt16, UInt16)
    }

    @inline(__always)
    func matches(_ flow: Flow) -> Bool {
        flow.protocol == `protocol` && (flow.ports.0 == port || flow.ports.1 == port)
            && destinations.contains(flow.destination)
    }
}

/// The rules as workers read them, and what each worker counts: plain memory, so that no packet costs a reference.
///
/// The control side writes the rules once, before the workers start. Each worker counts in a place of its own.
struct TTLGuardRules: BitwiseCopyable, @unchecked Sendable {
    static let capacity = 16

    struct Counts: BitwiseCopyable {
        var accepted: UInt64 = 0
        var dropped: UInt64 = 0
    }

    private struct Head: BitwiseCopyable {
        var ruleCount = 0
    }

    private let head: UnsafeMutablePointer<Head>
    private let rules: UnsafeMutablePointer<TTLGuardRule>
    /// `capacity` for each worker, one worker behind the other.
    private let counts: UnsafeMutablePointer<Counts>
    private let workerCount: Int

    /// - Parameter workerCount: At least 1. `deallocate` gives the memory back.
    init(workerCount: Int) {
        self.workerCount = workerCount
        head = .allocate(capacity: 1)
        head.initialize(to: Head())
        rules = .allocate(capacity: TTLGuardRules.capacity)
        counts = .allocate(capacity: workerCount * TTLGuardRules.capacity)
        counts.initialize(repeating: Counts(), count: workerCount * TTLGuardRules.capacity)
    }

    func deallocate() {
        head.deallocate()
        rules.deallocate()
        counts.deallocate()
    }

    // MARK: - Control side

    /// - Parameter list: At most `capacity` rules.
    func set(_ list: [TTLGuardRule]) {
        precondition(list.count <= TTLGuardRules.capacity, "there is room for \(TTLGuardRules.capacity) rules")
        for (number, rule) in list.enumerated() { (rules + number).initialize(to: rule) }
        head.pointee.ruleCount = list.count
    }

    var all: [TTLGuardRule] { (0..<head.pointee.ruleCount).map { rules[$0] } }

    /// Summed over the workers.
    func counts(of number: Int) -> Counts {
        (0..<workerCount).reduce(into: Counts()) { sum, worker in
            let own = counts[worker * TTLGuardRules.capacity + number]
            sum.accepted &+= own.accepted
            sum.dropped &+= own.dropped
        }
    }

    // MARK: - Workers

    @inline(__always)
    func first(matching flow: TTLGuardRule.Flow) -> Int? {
        let count = head.pointee.ruleCount
        for number in 0..<count where rules[number].matches(flow) { return number }
        return nil
    }

    @inline(__always)
    subscript(number: Int) -> TTLGuardRule { rules[number] }

    @inline(__always)
    func count(_ number: Int, accepted: Bool, worker: Int) {
        let own = counts + (worker &* TTLGuardRules.capacity &+ number)
        own.pointee.accepted &+= accepted ? 1 : 0
        own.pointee.dropped &+= accepted ? 0 : 1
    }
}
