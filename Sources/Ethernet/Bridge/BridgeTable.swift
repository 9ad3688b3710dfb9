// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Wire

/// What nodes need of a bridge port for each frame: half a cache line, changed in place.
struct BridgePortRecord: BitwiseCopyable {
    /// The interface that is the port: a whole port, a sub-interface or the BVI.
    var interface: InterfaceIndex = 0
    /// By which frames leave: the interface itself, or the port that a sub-interface is of.
    var transmit: InterfaceIndex = 0
    /// 0 for a port that is not in use, or an end of a cross-connect.
    var domain: UInt16 = 0
    /// Ports of one group exchange no frames; 0 is no group.
    var group: UInt16 = 0
    var flags: BridgePortFlags = []
    /// What becomes of control frames that come by it.
    var control = BridgeControlActions.standard
    /// The longest frame that leaves by it, bytes from its destination address on. Not of sub-interfaces: `bridge-output` judges
    /// what leaves by them.
    var longest: UInt32 = .max
    /// The other end of a cross-connect, which belongs to no domain; else 0.
    var peer: UInt32 = 0
    /// The outer VLAN of a sub-interface that has but one; else 0.
    var vlan: UInt16 = 0
    var reserved: (UInt16, UInt32) = (0, 0)
}

/// A bridge port's state.
struct BridgePortFlags: OptionSet, BitwiseCopyable {
    let rawValue: UInt16

    /// Frames pass. A spanning tree that blocks the port takes this away.
    static var forwarding: BridgePortFlags { BridgePortFlags(rawValue: 1 << 0) }
    /// Stations are learned. Not on a BVI: its own is a static entry.
    static var learning: BridgePortFlags { BridgePortFlags(rawValue: 1 << 1) }
    /// The router's own port of the domain.
    static var bvi: BridgePortFlags { BridgePortFlags(rawValue: 1 << 2) }
    /// Frames have the sub-interface's tags.
    static var subinterface: BridgePortFlags { BridgePortFlags(rawValue: 1 << 3) }
    // Sets of these, not as literals: in code that is not optimised each of those is an array.
    static var active: BridgePortFlags { BridgePortFlags(rawValue: 1 << 0 | 1 << 1) }
    static var indirect: BridgePortFlags { BridgePortFlags(rawValue: 1 << 2 | 1 << 3) }
    /// Frames of stations that may not be learned, for there are too many, are dropped.
    static var dropsAtLimit: BridgePortFlags { BridgePortFlags(rawValue: 1 << 4) }
    /// Frames of stations that move too often are dropped.
    static var dropsMoving: BridgePortFlags { BridgePortFlags(rawValue: 1 << 5) }
    /// There is storm control.
    static var limitsFloods: BridgePortFlags { BridgePortFlags(rawValue: 1 << 6) }
}

/// A bridge domain as nodes see it.
struct BridgeDomainRecord: BitwiseCopyable {
    /// The number of bridge ports, then as many numbers; nil for none.
    var members: UnsafeMutablePointer<UInt32>?
    /// The bridge port of unknown stations, or one of the two words below.
    var unknownUnicast: UInt32 = BridgeDomainRecord.flood
    var reserved: UInt32 = 0
    /// Whose ARP requests are answered; nil for nobody's.
    var arp: UnsafeMutablePointer<ARPTerminationTable>?

    static var flood: UInt32 { 0 }
    static var drop: UInt32 { .max }
}

/// Bridge ports and domains by number, as nodes read them. Trivially copyable; written by the control side.
struct BridgeTable: BitwiseCopyable, @unchecked Sendable {
    private let ports: UnsafeMutablePointer<BridgePortRecord>
    private let domains: UnsafeMutablePointer<BridgeDomainRecord>
    /// By bridge port, for those that have one.
    private let storms: UnsafeMutablePointer<Unmanaged<StormControl>?>

    init() {
        ports = BridgeTable.map(BridgeTally.portCapacity)
        domains = BridgeTable.map(BridgeTally.domainCapacity)
        storms = BridgeTable.map(BridgeTally.portCapacity)
    }

    private static func map<T: BitwiseCopyable>(_ count: Int) -> UnsafeMutablePointer<T> {
        guard let memory = CMartletLinux_mapAnonymous(count * MemoryLayout<T>.stride, 0) else {
            fatalError("no address space for the tables of bridges")
        }
        return memory.bindMemory(to: T.self, capacity: count)
    }

    func unmap() {
        munmap(ports, BridgeTally.portCapacity * MemoryLayout<BridgePortRecord>.stride)
        munmap(domains, BridgeTally.domainCapacity * MemoryLayout<BridgeDomainRecord>.stride)
        munmap(storms, BridgeTally.portCapacity * MemoryLayout<Unmanaged<StormControl>?>.stride)
    }

    /// A port's storm control, whose owner keeps it until the router has stopped.
    subscript(storm number: UInt32) -> Unmanaged<StormControl>? {
        @inline(__always) get { storms[Int(number) & (BridgeTally.portCapacity &- 1)] }
        nonmutating set { storms[Int(number) & (BridgeTally.portCapacity &- 1)] = newValue }
    }

    /// Readies a frame to leave by a bridge port, and says along which arc.
    @inline(__always)
    func send<Next: BridgeNext>(_ packet: Packet, to number: UInt32, _ received: InterfaceCounterSlot) -> Next {
        let port = self[port: number]
        packet.header.adjacency = number
        guard port.flags.contains(.bvi) else {
            packet.header.txInterface = port.transmit
            return port.flags.contains(.subinterface) ? .subinterface : .output
        }
        packet.header.rxInterface = port.interface
        received.countReceived(bytes: packet.length, interface: port.interface)
        return .bvi
    }

    subscript(port number: UInt32) -> BridgePortRecord {
        @inline(__always) unsafeAddress { UnsafePointer(ports + (Int(number) & (BridgeTally.portCapacity &- 1))) }
        @inline(__always) nonmutating unsafeMutableAddress {
            ports + (Int(number) & (BridgeTally.portCapacity &- 1))
        }
    }

    subscript(domain number: UInt16) -> BridgeDomainRecord {
        @inline(__always) unsafeAddress { UnsafePointer(domains + Int(number)) }
        @inline(__always) nonmutating unsafeMutableAddress { domains + Int(number) }
    }
}

/// The arcs of a node that sends frames out of a bridge domain.
protocol BridgeNext: NextNode, Equatable {
    /// To a whole port.
    static var output: Self { get }
    /// To a sub-interface.
    static var subinterface: Self { get }
    /// To the router.
    static var bvi: Self { get }
}

extension BridgeNext {
    /// The node that one of those three leads to.
    var exit: String? {
        switch self {
        case .output: InterfaceOutput.name
        case .subinterface: BridgeOutput.name
        case .bvi: EthernetInput.name
        default: nil
        }
    }
}
