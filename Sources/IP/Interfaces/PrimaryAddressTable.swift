// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Wire

/// Each interface's first IPv4 address as workers read it: the source of what the router says on that interface.
///
/// Written by the control side with single stores.
struct PrimaryAddressTable: BitwiseCopyable, @unchecked Sendable {
    private let addresses: UnsafeMutablePointer<UInt32>

    private static let byteCount = InterfaceTable.capacity * MemoryLayout<UInt32>.stride

    init() {
        guard let memory = CMartletLinux_mapAnonymous(PrimaryAddressTable.byteCount, 0) else {
            fatalError("no address space for the interfaces' addresses")
        }
        addresses = memory.bindMemory(to: UInt32.self, capacity: InterfaceTable.capacity)
    }

    func unmap() { munmap(addresses, PrimaryAddressTable.byteCount) }

    /// 0.0.0.0 for an interface without one.
    subscript(interface: InterfaceIndex) -> IPv4Address {
        @inline(__always) get { IPv4Address(addresses[Int(interface) & (InterfaceTable.capacity &- 1)]) }
        nonmutating set { addresses[Int(interface) & (InterfaceTable.capacity &- 1)] = newValue.value }
    }
}
