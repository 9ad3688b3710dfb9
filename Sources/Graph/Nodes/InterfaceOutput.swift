// SPDX-License-Identifier: Apache-2.0
import Wire

/// Counts what leaves through each interface and passes it to the interface's transmit node.
///
/// Expects complete frames with `txInterface` set. The feature arc `interface-output` starts here.
public struct InterfaceOutput: Node {
    public static let name = "interface-output"

    public enum Reason: UInt16, DropReason {
        case interfaceDown, noDevice

        public var text: String {
            switch self {
            case .interfaceDown: "the output interface is down"
            case .noDevice: "the output interface has no device to transmit with"
            }
        }
    }

    public struct Trace: TraceRecord {
        var interface: InterfaceIndex = 0
        var length: UInt32 = 0
        public init() {}
        public var description: String { "interface \(interface), \(length) bytes" }
    }

    private let interfaces: InterfaceTable

    public init(interfaces: InterfaceTable) { self.interfaces = interfaces }

    public mutating func process(_ frame: Frame, _ context: Context) {
        let count = frame.count
        var position = 0
        while position < count {
            // One look at the interface serves a run of packets to it.
            let interface = context.packet(frame[position]).header.txInterface
            let record = interfaces[interface]
            let verdict = verdict(record)
            var bytes = 0
            let first = position
            repeat {
                let packet = context.packet(frame[position])
                guard packet.header.txInterface == interface else { break }
                bytes &+= packet.length
                context.verdicts[position] = verdict
                position &+= 1
            } while position < count
            if verdict & .dropFlag == 0 {
                if record.flags.contains(.pointToPoint) { bytes &-= EthernetView.length &* (position &- first) }
                context.countSent(packets: position &- first, bytes: bytes, interface: interface)
            }
        }
        if frame.isTraced { trace(frame, context) }
    }

    private func verdict(_ record: InterfaceRecord) -> VerdictCode {
        guard record.flags.contains(.usable) else { return Verdict<NoNext, Reason>.drop(.interfaceDown).code }
        guard record.outputArc != InterfaceRecord.noArc else { return Verdict<NoNext, Reason>.drop(.noDevice).code }
        return record.outputArc
    }

    private func trace(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            let packet = context.packet(frame[position])
            guard packet.isTraced else { continue }
            var trace = Trace()
            trace.interface = packet.header.txInterface
            trace.length = packet.header.length
            context.record(trace, context.verdicts[position], for: packet)
        }
    }
}
