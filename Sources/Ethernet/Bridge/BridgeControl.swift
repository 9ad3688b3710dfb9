// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Passes, hands on or drops frames to the addresses that bridges keep to themselves, whatever the state of the port.
///
/// Expects: whole frames to such an address, `adjacency` the bridge port that they came by.
/// Emits: frames to be tunnelled to `bridge-flood`.
/// Drops: `controlFrame`, `nobodyListens`, `queueFull`, `portNotForwarding`.
/// Spec: IEEE 802.1Q clause 8.6.3, tables 8-1 and 8-2; IEEE 802.3 annex 57A.
struct BridgeControl: ContextualNode {
    static let name = "bridge-control"

    enum Next: UInt16, NextNode {
        case flood

        var node: String { BridgeFlood.name }
    }

    enum Reason: UInt16, DropReason {
        case controlFrame, nobodyListens, queueFull, portNotForwarding

        var text: String {
            switch self {
            case .controlFrame: "a control frame for one link, which the port neither tunnels nor punts"
            case .nobodyListens: "no feature speaks the protocol of a control frame that the port punts"
            case .queueFull: "the control side has no room for another control frame"
            case .portNotForwarding: "a control frame would be tunnelled, but the port does not forward"
            }
        }
    }

    struct Trace: TraceRecord {
        var port: UInt32 = 0
        var address: UInt8 = 0

        init() {}

        var description: String { "bridge port \(port), address 01:80:c2:00:00:\(String(address, radix: 16))" }
    }

    private let table: BridgeTable
    private let listeners: BridgeListeners.Reader
    private let process: ProcessIndex

    init(_ table: BridgeTable, _ listeners: BridgeListeners.Reader, _ process: ProcessIndex) {
        self.table = table
        self.listeners = listeners
        self.process = process
    }

    mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        let port = table[port: packet.header.adjacency]
        let destination = packet.destinationWord
        let control = BridgeControlProtocol(destination)
        trace.port = packet.header.adjacency
        trace.address = UInt8(truncatingIfNeeded: destination &>> 40)
        switch port.control[control] {
        case .drop: return .drop(.controlFrame)
        case .tunnel: return port.flags.contains(.forwarding) ? .to(.flood) : .drop(.portNotForwarding)
        case .punt:
            guard listeners.has(control) else { return .drop(.nobodyListens) }
            guard context.punt(packet, to: process, note: UInt32(control.rawValue)) else { return .drop(.queueFull) }
            context.free(packet)
            return .kept
        }
    }
}

/// Who on the control side speaks the protocols of control frames.
@ControlPlane
final class BridgeListeners {
    typealias Body = @ControlPlane (_ interface: Interface, _ frame: [UInt8]) -> Void

    /// A bit for each protocol that somebody speaks.
    struct Reader: BitwiseCopyable, Sendable {
        fileprivate let bits: Published<UInt8>.Reader

        @inline(__always)
        func has(_ control: BridgeControlProtocol) -> Bool { bits.value &>> UInt8(control.rawValue) & 1 != 0 }
    }

    private nonisolated let bits = Published<UInt8>(0)
    private var bodies: [BridgeControlProtocol: [Body]] = [:]

    nonisolated init() {}

    nonisolated var reader: Reader { Reader(bits: bits.reader) }

    func add(_ control: BridgeControlProtocol, on engine: Engine, _ body: @escaping Body) {
        bodies[control, default: []].append(body)
        bits.set(bits.value | 1 << UInt8(control.rawValue), on: engine)
    }

    func receive(_ packet: PuntedPacket, _ engine: Engine) {
        guard let control = BridgeControlProtocol(rawValue: Int(packet.note)),
            engine.interfaces.indices.contains(Int(packet.rxInterface) - 1)
        else { return }
        let interface = engine.interfaces[Int(packet.rxInterface) - 1]
        for body in bodies[control] ?? [] { body(interface, packet.bytes) }
    }
}
