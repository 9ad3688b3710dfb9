// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Wire

/// Who takes which protocol out of GRE packets beside those that tunnels carry: an arc of `gre-input` for each, as workers
/// read them. Written by the control side with single stores.
struct GREClaims: BitwiseCopyable, @unchecked Sendable {
    private static let byteCount = (1 << 16) * MemoryLayout<UInt16>.stride
    private let arcs: UnsafeMutablePointer<UInt16>

    init() {
        guard let memory = CMartletLinux_mapAnonymous(GREClaims.byteCount, 0) else {
            fatalError("no address space for the protocols of GRE")
        }
        arcs = memory.bindMemory(to: UInt16.self, capacity: 1 << 16)
    }

    func unmap() { munmap(arcs, GREClaims.byteCount) }

    /// The arc's number plus one; 0 for none.
    subscript(type: EtherType) -> UInt16 {
        @inline(__always) get { arcs[Int(type.rawValue)] }
        nonmutating set { arcs[Int(type.rawValue)] = newValue }
    }
}
