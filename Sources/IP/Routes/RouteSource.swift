// SPDX-License-Identifier: Apache-2.0

/// Who says that a route exists. Of several usable ones for a prefix the first in this order is in force.
public enum RouteSource: Int, Sendable, CaseIterable, Codable {
    /// Holds by itself: the limited broadcast address, for instance.
    case special
    /// From an interface's addresses.
    case connected
    /// From the configuration, or added by the operator.
    case `static`
    /// From a program or a plugin that uses the programming interface.
    case api
    /// From a routing protocol.
    case dynamic
    /// A host whose hardware address is known.
    case neighbor

    /// `allCases`, made once: changes of routes go through it.
    static let inOrder = allCases

    public var name: String { "\(self)" }
}
