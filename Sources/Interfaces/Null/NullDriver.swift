// SPDX-License-Identifier: Apache-2.0
import Graph

/// `type: null`: an interface that takes everything and receives nothing; for benches and black holes.
public enum NullDriver {
    public static func driver(_ engine: Engine) -> InterfaceDriver {
        InterfaceDriver("null", "Takes every packet and receives none", keys: CommonInterfaceKeys.keys) {
            (name, setting) throws(ConfigurationErrors) in
            let keys = try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
                try CommonInterfaceKeys(name, setting, pool: engine.pool)
            }
            return {
                let interface = try keys.createInterface(engine, kind: "null")
                engine.attach(interface, output: NullOutput.descriptor("\(name)-tx"))
                interface.isLinkUp = true
                return interface
            }
        }
    }
}
