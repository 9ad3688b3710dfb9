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
    /// The path is lost. False when an operator took the session down, on either side (RFC 5882 section 3.2).
    public let isFailure: Bool
    /// `Clock.now` when the worker saw it.
    public let clock: UInt64
}
