// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Wire

/// What the file says of an `erspan` interface.
struct ERSPANSettings {
    enum Timestamp: String, CaseIterable {
        case microseconds100 = "100us"
        case nanoseconds = "1ns"
    }

    var source: IPAddress
    var destination: IPAddress
    /// The VRF whose routes lead to the analyser.
    var table: String
    var version = ERSPANVersion.typeII
    var session: UInt16 = 0
    var index: UInt32?
    var hardware: UInt8 = 0
    var timestamp = Timestamp.microseconds100
    var timeToLive: UInt8 = 255
    var dscp: UInt8 = 0
    /// The longest outer packet; nil: what the path takes.
    var mtu: Int?
    /// Where frames that come in go.
    var exit: String?

    /// Bytes in front of a frame.
    var overhead: Int {
        let outer = source.family == .ipv4 ? IPv4Header.length : IPv6View.length
        switch version {
        case .typeI: return outer + GREHeader(.erspan2).length
        case .typeII: return outer + GREHeader(.erspan2, sequence: 0).length + ERSPAN.lengthII
        case .typeIII:
            let subHeader = timestamp == .nanoseconds ? ERSPAN.subHeaderLength : 0
            return outer + GREHeader(.erspan3, sequence: 0).length + ERSPAN.lengthIII + subHeader
        }
    }

    /// Of types II and III the number counts, of type I there is none.
    var selector: TunnelSelector { .erspan(session: version == .typeI ? nil : session) }

    var typeName: String { ["I", "II", "III"][Int(version.rawValue) - 1] }

    /// For `show interfaces`.
    var details: [(name: String, value: String)] {
        let number = version == .typeI ? "" : ", session \(session)"
        let place = table == VRF.mainName ? "" : " in \(table)"
        return [("erspan", "type \(typeName)\(number), \(source) > \(destination)\(place)")]
            + (exit.map { [("decapsulate-to", $0)] } ?? [])
    }
}

/// An `erspan` interface: where copies go, and where mirrored frames come in.
@ControlPlane
final class ERSPANSession: MirrorDestination {
    let settings: ERSPANSettings
    let interface: Interface
    let number: UInt32
    let route: TunnelRoute

    init(_ settings: ERSPANSettings, interface: Interface, number: UInt32, route: TunnelRoute) {
        self.settings = settings
        self.interface = interface
        self.number = number
        self.route = route
    }

    /// On a link without neighbours the far end stands for itself.
    var nextHop: IPAddress? { route.nextHops.first.map { $0.address ?? settings.destination } }
    var isResolved: Bool { problem == nil && route.nextHops.contains(where: \.isReady) }
    var problem: String? { route.problem }
}
