// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Puts a sub-interface's tags into its frames and passes them on to its port.
///
/// Summary: between the addresses and the type, four bytes for each tag, of which there may be none.
/// Expects: complete untagged frames whose transmit interface is a sub-interface.
/// Emits: the frames with their tags, whose transmit interface is the port, to `interface-output` once more: the port counts them,
/// and its features see them, as any others.
/// Drops: `truncated`.
/// Spec: IEEE 802.1Q clauses 6.9, 9.3 to 9.6.
public struct VLANOutput: Node {
    public static let name = "vlan-output"

    public enum Next: UInt16, NextNode {
        case output

        public var node: String { InterfaceOutput.name }
    }

    public enum Reason: UInt16, DropReason {
        case truncated

        public var text: String { "the frame is shorter than an Ethernet header" }
    }

    public struct Trace: TraceRecord {
        var outer: UInt32 = 0
        var inner: UInt32 = 0
        var port: InterfaceIndex = 0

        public init() {}

        public var description: String {
            let tags = [outer, inner].filter { $0 != 0 }.map { word in
                let text = "\(VLANTag(rawValue: UInt16(truncatingIfNeeded: word.bigEndian)))"
                return word.bigEndian >> 16 == UInt32(EtherType.serviceVLAN.rawValue) ? "service \(text)" : text
            }
            return "\(tags.isEmpty ? "untagged" : tags.joined(separator: ", ")), interface \(port)"
        }
    }

    private let interfaces: InterfaceTable
    private let tags: TagTable

    init(interfaces: InterfaceTable, tags: TagTable) {
        self.interfaces = interfaces
        self.tags = tags
    }

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        guard packet.length >= EthernetView.length else { return .drop(.truncated) }
        let interface = packet.header.txInterface
        let tag = tags.subinterface(interface).pointee
        let port = interfaces[interface].parent
        trace.outer = tag.outer
        trace.inner = tag.inner
        trace.port = port
        packet.header.txInterface = port
        // A sub-interface of untagged frames.
        guard tag.outer != 0 else { return .to(.output) }
        let old = packet.bytes
        let addresses = (old.load(at: 0, as: UInt64.self), old.load(at: 8, as: UInt32.self))
        let frame = packet.rewind(tag.inner == 0 ? VLANView.length : 2 &* VLANView.length)
        frame.store(addresses.0, at: 0)
        frame.store(addresses.1, at: 8)
        frame.store(tag.outer, at: 12)
        if tag.inner != 0 { frame.store(tag.inner, at: 16) }
        return .to(.output)
    }
}
