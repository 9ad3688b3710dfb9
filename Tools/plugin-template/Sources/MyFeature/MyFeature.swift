// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Drops IPv4 packets that are longer than a limit.
///
/// Summary: the smallest feature that has everything; replace its decision with yours.
/// Expects: the current position at an IPv4 header that ip4-input has checked.
/// Emits: the packet unchanged, to the next feature.
/// Drops: too-long.
/// Config: `my-feature`: interfaces, and the `longest` packet in bytes.
/// Show: `show my-feature`.
/// Spec: none.
/// Example: `my-feature: {interfaces: [wan0], longest: 1400}`
public struct MyFeature: Node {
    public static let name = "ip4-my-feature"

    public enum Reason: UInt16, DropReason {
        case tooLong

        public var text: String {
            switch self {
            case .tooLong: "the packet is longer than the limit"
            }
        }
    }

    /// What the decision was made from; `show trace` prints it.
    public struct Trace: TraceRecord {
        var length: UInt32 = 0
        var longest: UInt32 = 0

        public init() {}

        public var description: String { "\(length) bytes, at most \(longest) wanted" }
    }

    /// What the configuration sets.
    public struct Settings: BitwiseCopyable, Sendable {
        /// Bytes, from the IPv4 header to the end.
        public var longest: UInt32 = .max

        public init() {}
    }

    let settings: Published<Settings>.Reader
    /// How many packets this worker has passed on.
    let passed: PerWorker<UInt64>.Slot

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<NoNext, Reason> {
        let longest = settings.value.longest
        trace.length = UInt32(truncatingIfNeeded: packet.length)
        trace.longest = longest
        guard packet.length <= Int(longest) else { return .drop(.tooLong) }
        passed.value &+= 1
        return .nextFeature
    }
}
