// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The number that makes this router's flow hash another than its neighbours'. Nodes take it when they are made, which is
/// before the configuration is applied.
final class FlowHashSeed: Sendable {
    private let number = Atomic(UInt32.random(in: .min ... .max))

    var value: UInt32 {
        get { number.load(ordering: .relaxed) }
        set { number.store(newValue, ordering: .relaxed) }
    }
}
