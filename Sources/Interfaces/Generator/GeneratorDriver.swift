// SPDX-License-Identifier: Apache-2.0
import Graph

/// `type: generator`: an interface that receives packets made up from a capture or a description, and takes what is sent.
public enum GeneratorDriver {
    /// Which workers generate.
    enum Workers: String, CaseIterable {
        case first, all
    }

    static let full = "full"
    private static let rate = Schema.Format("full, or a rate in packets per second", example: "full or 100kpps") {
        $0 == full || Quantity.rate($0, .packets) != nil
    }

    static let keys: [Schema.Key] = [
        .key(
            "read", .string,
            "Capture file, relative to this file, whose packets are replayed again and again; this or 'packets'"),
        .key("packets", .list(of: PacketTemplate.schema, count: 1...4096), "Packets to make; this or 'read'"),
        .key("rate", .text(rate), "How fast, in packets per second; full if absent"),
        .key("count", .integer(1...Int.max), "Packets after which it ends; never if absent"),
        .key("loops", .integer(1...Int.max), "Times through the packets after which it ends; never if absent"),
        .key("seed", .integer(0...Int.max), "Start of the random order of field values; 1 if absent"),
        .key(
            "workers", .choice(of: Workers.self),
            "Whether the first worker generates (if absent), or all: each its part of the packets and of the rate"),
    ]

    public static func driver(_ engine: Engine) -> InterfaceDriver {
        InterfaceDriver(
            "generator", "Receives packets from a capture, in a loop, or made from a description",
            keys: keys + CommonInterfaceKeys.keys
        ) { (name, setting) throws(ConfigurationErrors) in
            let entry = try ConfigurationErrors.collecting { errors throws(ConfigurationError) in
                try GeneratorEntry(name, setting, pool: engine.pool, &errors)
            }
            return { try entry.create(engine) }
        }
    }
}
