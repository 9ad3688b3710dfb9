// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// A bridge domain as the control side knows it.
@ControlPlane
final class BridgeDomain {
    nonisolated let name: String
    /// From 1.
    nonisolated let number: UInt16
    /// Seconds after which a silent station is forgotten; 0 for never.
    let aging: Int
    /// Stations at most, static ones not among them.
    let limit: Int
    let unknownUnicast: UnknownUnicastSetting
    /// In the order of the configuration.
    var members: [BridgeMember] = []

    nonisolated init(
        name: String, number: UInt16, aging: Int, limit: Int, unknownUnicast: UnknownUnicastSetting
    ) {
        self.name = name
        self.number = number
        self.aging = aging
        self.limit = limit
        self.unknownUnicast = unknownUnicast
    }
}

/// `unknown-unicast:`, what becomes of frames to stations that nobody has heard of.
enum UnknownUnicastSetting: Sendable, Equatable {
    case flood, drop
    /// They go to this member alone.
    case member(String)

    var text: String {
        switch self {
        case .flood: "flood"
        case .drop: "drop"
        case .member(let name): name
        }
    }
}

/// An interface as a member of a bridge domain.
struct BridgeMember {
    let interface: Interface
    /// The number of the bridge port, from 1.
    let port: UInt32
    /// 0 for none.
    let group: UInt16
    /// Stations at most, static ones not among them; nil when the domain's limit is the only one.
    let limit: Int?
    let isBVI: Bool
    /// As it was configured.
    let entry: BridgeMemberEntry
}
