// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `forwarding:` what concerns all routes.
extension IPModule {
    private static let forwardingSchema = Schema.object(
        [
            .key(
                "flow-hash-seed", .integer(0...Int(UInt32.max)),
                "Has flows spread over next hops as on another router with the same seed; a random number if absent"),
            .key(
                "priorities",
                .object([
                    .key("critical", .list(of: .string), "Brought up to date before all others"),
                    .key("high", .list(of: .string), "Brought up to date next"),
                    .key("medium", .list(of: .string), "Brought up to date before those that are in no list"),
                ]),
                "Which prefixes come first when a change makes many routes usable or unusable; each stands for all that "
                    + "it contains, and the longest decides"),
        ], doc: "What concerns all routes")

    var forwardingSection: Section {
        Section("forwarding", IPModule.forwardingSchema) { [unowned self] setting throws(ConfigurationErrors) in
            let (seed, priorities) = try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
                (
                    try setting["flow-hash-seed"]?.integer() as UInt32?,
                    try IPModule.readPriorities(setting["priorities"], &errors)
                )
            }
            // The graph's nodes take it when they are made.
            if let seed { hashSeed.value = seed }
            return { [unowned self] in
                for (prefix, priority) in priorities { fib.priorities.set(prefix, priority) }
            }
        }
    }

    private static func readPriorities(
        _ setting: Setting?, _ errors: inout ConfigurationErrors
    ) throws(ConfigurationError) -> [(IPPrefix, RoutePriority)] {
        var found: [(IPPrefix, RoutePriority)] = []
        for priority in RoutePriority.allCases where priority != .low {
            for element in try setting?[priority.rawValue]?.list ?? [] {
                guard let prefix = errors.collect({ () throws(ConfigurationError) in try element.ipPrefix() }) else {
                    continue
                }
                if let other = found.first(where: { $0.0 == prefix }) {
                    errors.append(element.error("\(prefix) is in the list '\(other.1.rawValue)' already", "keep one"))
                }
                found.append((prefix, priority))
            }
        }
        return found
    }
}

extension Setting {
    /// A prefix of either family, without host bits.
    func ipPrefix() throws(ConfigurationError) -> IPPrefix {
        let text = try string
        do throws(AddressSyntaxError) {
            return try IPPrefix(parsing: text)
        } catch let reason {
            throw error("\(reason)")
        }
    }

    /// The destination of a route: a prefix, or a word for all addresses of a family.
    func destination() throws(ConfigurationError) -> IPPrefix {
        switch try string {
        case "default": .all(.ipv4)
        case "default6": .all(.ipv6)
        default: try ipPrefix()
        }
    }
}
