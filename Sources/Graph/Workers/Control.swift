// SPDX-License-Identifier: Apache-2.0

/// The control world: configuration, commands, protocols, timers and the writers of tables run on this actor.
///
/// Workers never do: they read what it publishes. (The name `Control` belongs to the module that faces the operator.)
@globalActor
public actor ControlPlane {
    public static let shared = ControlPlane()
}
