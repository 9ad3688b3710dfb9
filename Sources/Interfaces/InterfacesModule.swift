// SPDX-License-Identifier: Apache-2.0
import Graph

/// The kinds of interfaces that the library brings: what `type:` may name in the section `interfaces`.
@ControlPlane
public final class InterfacesModule: Module {
    public nonisolated static let name = "interfaces"

    private var afXDP: AFXDPDriver?

    public init() {}

    public func register(in registry: Registry) {
        let engine = registry.engine
        let afXDP = AFXDPDriver(engine)
        self.afXDP = afXDP
        registry.add(afXDP.driver())
        registry.add(TapDriver.driver(engine))
        registry.add(PcapDriver.driver(engine))
        registry.add(GeneratorDriver.driver(engine))
        registry.add(NullDriver.driver(engine))
    }

    public func stop() {
        afXDP?.stop()
        afXDP = nil
    }
}
