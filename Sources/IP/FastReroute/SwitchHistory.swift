// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph
import Wire

/// Why traffic left a next hop.
public enum SwitchReason: String, Sendable, Codable, CaseIterable {
    case linkDown = "link-down"
    case deviceRemoved = "device-removed"
    case adminDown = "admin-down"
    case neighborUnreachable = "neighbor-unreachable"
    case bfdDown = "bfd-down"
    case command
}

/// One switch of a next hop's traffic to its backup. Moments are in `Clock` ticks.
public struct ProtectionSwitch: Sendable {
    /// Counts from 1.
    public let number: Int
    public let nextHop: IPAddress
    public let interface: String
    public internal(set) var reason: SwitchReason
    /// Where traffic went, in words: "10.2.0.2 on wan1, labels 16"; nil when nothing was there to take it.
    public let backup: String?
    /// When the failure was seen: the kernel's news were there, or a worker missed the BFD packets.
    public let detected: UInt64
    /// When workers could see it.
    public let switched: UInt64
    /// When the first packet took the backup; nil while none has.
    public internal(set) var firstPacket: UInt64?
    /// When traffic went back; nil while it has not.
    public internal(set) var restored: UInt64?
    /// Further failures before it went back.
    public internal(set) var flaps = 0
    /// `detected` as nanoseconds since 1970.
    public let time: Int64

    init(
        number: Int, _ nextHop: IPAddress, _ interface: String, _ reason: SwitchReason, backup: String?,
        detected: UInt64, switched: UInt64
    ) {
        self.number = number
        self.nextHop = nextHop
        self.interface = interface
        self.reason = reason
        self.backup = backup
        self.detected = detected
        self.switched = switched
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let ago = ProtectionSwitch.seconds(from: detected, to: Clock.now)
        time = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec) - Int64(ago * 1e9)
    }

    /// Seconds from one tick to a later one. (Clocks of two cores may differ by a few ticks.)
    static func seconds(from begin: UInt64, to end: UInt64) -> Double {
        end > begin ? Clock.seconds(end - begin) : 0
    }
}

/// The latest switches, oldest first.
struct SwitchHistory {
    static let capacity = 1000

    private(set) var all: [ProtectionSwitch] = []
    private var next = 1

    /// The number of the next one.
    mutating func takeNumber() -> Int {
        next += 1
        return next - 1
    }

    mutating func append(_ event: ProtectionSwitch) {
        // Dropping a tenth at a time keeps appending cheap.
        if all.count == SwitchHistory.capacity { all.removeFirst(SwitchHistory.capacity / 10) }
        all.append(event)
    }

    /// Nil when it is so old that it was dropped.
    subscript(number: Int?) -> ProtectionSwitch? {
        get { place(of: number).map { all[$0] } }
        set { if let place = place(of: number), let newValue { all[place] = newValue } }
    }

    private func place(of number: Int?) -> Int? {
        guard let number else { return nil }
        return all.lastIndex { $0.number == number }
    }

    /// Forgets those that are undone.
    mutating func clear() { all = all.filter { $0.restored == nil } }
}
