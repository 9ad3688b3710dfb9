// SPDX-License-Identifier: Apache-2.0
import Graph

/// Traffic mirroring: copies of what interfaces receive and send.
@ControlPlane
public final class MirrorModule: Module {
    public nonisolated static let name = "mirror"

    public init() {}

    public func register(in registry: Registry) {}
}
