// SPDX-License-Identifier: Apache-2.0
import Graph

/// Takes every packet and frees it: the transmit side of `null` and `generator` interfaces.
public struct NullOutput: OutputNode {
    public static let name = "null-tx"

    public init() {}

    public mutating func process(_ frame: Frame, _ context: Context) {
        let count = frame.count
        for position in 0..<count { context.decide(position, Verdict<NoNext, NoReason>.kept) }
        context.free(frame.indices, count: count)
    }

    public mutating func flush(_ context: Context) -> Bool { true }

    static func descriptor(_ name: String) -> NodeDescriptor {
        NodeDescriptor(output: NullOutput.self, name: name) { _ in NullOutput() }
    }
}
