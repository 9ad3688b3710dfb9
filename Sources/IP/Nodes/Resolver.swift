// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Hands packets to the control side that wait for a neighbour's hardware address, no more of them than are of use.
struct Resolver {
    enum Outcome {
        /// The packet is with the control side; its buffer is free again.
        case asked
        case throttled, queueFull
    }

    private let neighbors: ProcessIndex
    private var throttle = ResolutionThrottle()

    init(neighbors: ProcessIndex) { self.neighbors = neighbors }

    /// - Parameter key: Tells neighbours apart.
    mutating func ask(
        _ kind: NeighborMessage.Kind, _ key: UInt64, _ packet: Packet, _ context: Context
    ) -> Outcome {
        guard throttle.admits(key, context.now) else { return .throttled }
        let message = NeighborMessage(kind, about: packet)
        guard context.punt(packet, to: neighbors, note: message.rawValue) else { return .queueFull }
        context.free(packet)
        return .asked
    }

    static func key(_ address: IPAddress, on interface: InterfaceIndex) -> UInt64 {
        switch address {
        case .v4(let address): UInt64(interface) << 32 | UInt64(address.value)
        // The interface is spread over bits that addresses of one network have in common.
        case .v6(let address): address.low ^ address.high &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(interface) << 32
        }
    }
}
