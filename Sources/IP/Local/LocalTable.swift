// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Wire

/// Who takes a packet that is addressed to the router: an arc of the family's local node, a process on the control side, or nobody.
struct LocalClaim: RawRepresentable, BitwiseCopyable {
    let rawValue: UInt32

    static let none = LocalClaim(rawValue: 0)
    private static let processBit: UInt32 = 1 << 31

    static func arc(_ number: UInt16) -> LocalClaim { LocalClaim(rawValue: UInt32(number) + 1) }
    static func process(_ process: ProcessIndex) -> LocalClaim { LocalClaim(rawValue: processBit | process.rawValue) }

    var isNone: Bool { rawValue == 0 }

    var arc: UInt16? {
        rawValue == 0 || rawValue & LocalClaim.processBit != 0 ? nil : UInt16(truncatingIfNeeded: rawValue &- 1)
    }

    var process: ProcessIndex? {
        rawValue & LocalClaim.processBit == 0 ? nil : ProcessIndex(rawValue: rawValue & ~LocalClaim.processBit)
    }

    /// Copies the packet to the process that has claimed it, and frees it; false when there is no room.
    func punt(_ packet: Packet, _ context: Context) -> Bool {
        guard let process, context.punt(packet, to: process) else { return false }
        context.free(packet)
        return true
    }
}

/// The claims on IP protocols and UDP ports of one address family, as workers read them. Written by the control side with single stores.
struct LocalTable: BitwiseCopyable, @unchecked Sendable {
    private let claims: UnsafeMutablePointer<LocalClaim>

    private static let protocols = 256
    private static let count = protocols + 1 << 16
    private static let byteCount = count * MemoryLayout<LocalClaim>.stride

    init() {
        guard let memory = CMartletLinux_mapAnonymous(LocalTable.byteCount, 0) else {
            fatalError("no address space for the table of local services")
        }
        claims = memory.bindMemory(to: LocalClaim.self, capacity: LocalTable.count)
    }

    func unmap() { munmap(claims, LocalTable.byteCount) }

    subscript(protocol: IPProtocol) -> LocalClaim {
        get { claims[Int(`protocol`.rawValue)] }
        nonmutating set { claims[Int(`protocol`.rawValue)] = newValue }
    }

    subscript(udpPort port: UInt16) -> LocalClaim {
        get { claims[LocalTable.protocols &+ Int(port)] }
        nonmutating set { claims[LocalTable.protocols &+ Int(port)] = newValue }
    }
}
