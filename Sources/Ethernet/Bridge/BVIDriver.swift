// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `type: bvi`: the router's own member of a bridge domain, with addresses as any interface has them.
///
/// Frames to its station come up to the router as received by it; what is routed out of it enters the domain.
enum BVIDriver {
    static let kind = "bvi"

    @ControlPlane
    static func driver(_ engine: Engine) -> InterfaceDriver {
        let keys: [Schema.Key] = [
            .required("mac", .string, "Own Ethernet address, a station's"),
            .key("mtu", .integer(68...16_000), "Longest network-layer packet, bytes; 1500 if absent"),
        ]
        return InterfaceDriver(
            kind, "The router's own member of a bridge domain", keys: keys
        ) { (name, setting) throws(ConfigurationErrors) in
            let (mac, mtu) = try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
                let mac = try setting.required("mac").station
                return (mac, try setting["mtu"]?.integer(in: 68...16_000))
            }
            return {
                let interface = engine.createInterface(name, kind: kind)
                interface.mac = mac.littleEndianValue
                if let mtu { interface.mtu = mtu }
                // Up from the moment when it is a member.
                interface.isLinkUp = false
                try engine.attach(interface, to: BVIOutput.name)
                return interface
            }
        }
    }
}

extension Setting {
    /// The address of one station.
    var station: MACAddress {
        get throws(ConfigurationError) {
            let mac = try value("a MAC address", example: "02:00:00:00:00:01") { MACAddress($0) }
            guard mac.isStation else {
                throw error("\(mac) is no station's address", "give one whose first byte is even, and not zero")
            }
            return mac
        }
    }
}
