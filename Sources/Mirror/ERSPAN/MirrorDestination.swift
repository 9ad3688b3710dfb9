// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What a session's destination knows of where its copies go, beyond the interface's own state: an `erspan` interface's way
/// to the analyser. `ERSPANModule.destination(of:)` has it.
@ControlPlane
public protocol MirrorDestination: AnyObject {
    /// The next hop on the way, the analyser itself where that is a neighbour; nil while there is none.
    var nextHop: IPAddress? { get }
    /// Whether copies can be sent to it now: its hardware address is known and nothing speaks against it.
    var isResolved: Bool { get }
    /// Why there is no way, in words; nil when there is one.
    var problem: String? { get }
}
