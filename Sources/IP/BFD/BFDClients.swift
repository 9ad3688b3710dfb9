// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Whom a session is with.
public struct BFDTarget: Sendable {
    public var peer: IPAddress
    /// The interface on whose link the peer is; found by its address when it is not given. Not for several hops.
    public var interface: Interface?
    /// The router's own address; needed over several hops.
    public var local: IPAddress?
    /// The table (VRF) to look in when no interface is given; the main one if nil.
    public var vrf: VRF?
    /// Over several hops, with TTLs below 255 (RFC 5883).
    public var isMultihop: Bool

    public init(
        peer: IPAddress, interface: Interface? = nil, local: IPAddress? = nil, vrf: VRF? = nil,
        isMultihop: Bool = false
    ) {
        self.peer = peer
        self.interface = interface
        self.local = local
        self.vrf = vrf
        self.isMultihop = isMultihop
    }
}

/// A client's claim on a session.
public struct BFDRegistration: Sendable {
    let key: BFDKey
    let number: Int
}

/// A change of a session's state, as clients hear of it.
public struct BFDChange: Sendable {
    public let peer: IPAddress
    /// Nil for a multihop session.
    public let interface: String?
    /// The neighbour's adjacency, which the worker has already taken out of service when `isFailure`; 0 over several hops.
    public let adjacency: AdjacencyIndex
    public let from: BFDState
    public let to: BFDState
    public let diagnostic: BFDDiagnostic
    public let remoteState: BFDState
    public let remoteDiagnostic: BFDDiagnostic
    /// The path was lost. False when an operator took the session down, on either side (RFC 5882 section 3.2).
    public let isFailure: Bool
    /// The path is lost from here on: since a failure the session has been neither Up nor taken out of service by an operator
    /// on either side, and has had an address to speak from. What clients act upon; never set before the session was Up.
    public let isPathLost: Bool
    /// `Clock.now` when the worker saw it.
    public let clock: UInt64
}

extension BFDManager {
    /// The same with a profile's parameters, also as they change later.
    /// - Parameter profile: For a session that does not exist yet.
    public func register(
        _ target: BFDTarget, client: String, profile: String, guardsNextHop: Bool = true,
        onChange: @escaping @ControlPlane (BFDChange) -> Void = { _ in }
    ) throws(RouteError) -> BFDRegistration {
        guard let parameters = profiles[profile] else {
            throw RouteError(
                "there is no BFD profile '\(profile)'", Spelling.hint(for: profile, among: profiles.keys.sorted()))
        }
        let isNew = try find(target)?.isLeaving ?? true
        let registration = try register(
            target, client: client, parameters: parameters, guardsNextHop: guardsNextHop, onChange: onChange)
        if isNew { sessions[registration.key]?.profile = profile }
        return registration
    }

    /// Throws what speaks against a session with `target`.
    func check(_ target: BFDTarget) throws(RouteError) { _ = try resolve(target) }
}
