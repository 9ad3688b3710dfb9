// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Wire

/// The plugin's entry: the host calls it once, after it has seen that both were built alike.
@c(martlet_plugin)
public func martletPlugin() -> UnsafeMutableRawPointer { Plugin.describe(TTLGuardModule.self, version: "1.0") }

/// Brings the node `ip4-ttl-guard`, its place on the feature arc `ip4-unicast`, the section `ttl-guard` and a command.
///
///     ttl-guard:
///       interfaces: [wan0, wan1]
///       rules:
///         - {protocol: tcp, port: 179}                    # BGP
///         - {protocol: udp, port: 3784, to: 192.0.2.1/32} # BFD, for one of our addresses
///         - {protocol: tcp, port: 646, minimum: 254}      # LDP over one router
@ControlPlane
public final class TTLGuardModule: Module {
    public nonisolated static let name = "ttl-guard"
    static let arc = "ip4-unicast"

    enum Transport: String, CaseIterable {
        case tcp, udp

        var `protocol`: IPProtocol { self == .tcp ? .tcp : .udp }
    }

    nonisolated static let schema = Schema.object(
        [
            .required("interfaces", .list(of: .text(.name), count: 1...1024), "Where the judged packets come in"),
            .required(
                "rules",
                .list(
                    of: .object([
                        .required("protocol", .choice(of: Transport.self), "What the packet carries"),
                        .required("port", .integer(1...65535), "Its source or destination port"),
                        .key("to", .text(.ipv4Prefix), "Its destination addresses; all if absent"),
                        .key("minimum", .integer(1...255), "The lowest TTL that is accepted; 255 if absent"),
                    ]), count: 1...TTLGuardRules.capacity), "The first one that matches a packet judges it"),
        ], doc: "Drops packets of a neighbour's protocols that came from farther away (RFC 5082)")

    private let rules = Published(TTLGuardRules())
    private var counts = PerWorker(TTLGuardCounts(), workerCount: 1)
    private var interfaces: [Interface] = []

    public init() {}

    public func register(in registry: Registry) {
        let engine = registry.engine
        counts = PerWorker(TTLGuardCounts(), workerCount: engine.workers.count)
        registry.add(
            NodeDescriptor(TTLGuard.self) { [counts, rules = rules.reader] seat in
                TTLGuard(rules: rules, counts: counts.slot(seat.worker))
            })
        registry.add(Feature(TTLGuard.name, on: TTLGuardModule.arc))
        registry.add(
            Section("ttl-guard", TTLGuardModule.schema) { [self] setting throws(ConfigurationErrors) in
                let rules = try TTLGuardModule.rules(setting)
                return { [self] in try apply(rules, setting, to: engine) }
            })
        registry.add(
            Command(["show", "ttl-guard"], "Packets accepted and dropped by each rule") { [self] _ in
                TTLGuardReport(interfaces: interfaces.map(\.name), rules: rules.value, counts: counts.values)
            })
    }

    /// Reads what the schema has passed.
    private static func rules(_ setting: Setting) throws(ConfigurationErrors) -> TTLGuardRules {
        try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
            let rules = try setting.required("rules").list.map { setting throws(ConfigurationError) in
                var rule = TTLGuardRule()
                rule.protocol = try setting.required("protocol").choice(of: Transport.self).protocol
                rule.port = try setting.required("port").integer(in: 1...65535)
                rule.destinations =
                    try setting["to"]?.value("an IPv4 prefix", example: "192.0.2.1/32", IPv4Prefix.init) ?? .all
                rule.minimum = try setting["minimum"]?.integer(in: 1...255) ?? 255
                return rule
            }
            return TTLGuardRules(rules)
        }
    }

    private func apply(_ list: TTLGuardRules, _ setting: Setting, to engine: Engine) throws {
        rules.set(list, on: engine)
        for name in try setting.required("interfaces").list {
            guard let interface = engine.interface(named: try name.string) else {
                let hint = Spelling.hint(for: try name.string, among: engine.interfaces.map(\.name))
                throw name.error("there is no interface \(name.written)", hint)
            }
            try engine.setFeature(TTLGuard.name, on: TTLGuardModule.arc, interface: interface, true)
            interfaces.append(interface)
        }
    }
}

/// The answer to `show ttl-guard`.
struct TTLGuardReport: Report {
    struct Rule: Encodable {
        let to: IPv4Prefix
        let `protocol`: String
        let port: UInt16
        let minimum: UInt8
        let accepted: UInt64
        let dropped: UInt64
    }

    let interfaces: [String]
    let rules: [Rule]

    init(interfaces: [String], rules: TTLGuardRules, counts: [TTLGuardCounts]) {
        self.interfaces = interfaces
        self.rules = (0..<rules.count).map { number in
            let rule = rules.list[number]
            return Rule(
                to: rule.destinations, protocol: "\(rule.protocol)", port: rule.port, minimum: rule.minimum,
                accepted: counts.reduce(0) { $0 &+ $1.accepted[number] },
                dropped: counts.reduce(0) { $0 &+ $1.dropped[number] })
        }
    }

    var body: [TextBlock] {
        [
            .facts([.init("Interfaces", interfaces.joined(separator: ", "))]),
            .table(
                ["To", "Protocol", .right("Port"), .right("Minimum"), .right("Accepted"), .right("Dropped")],
                rules.map {
                    ["\($0.to)", $0.protocol, "\($0.port)", "\($0.minimum)", "\($0.accepted)", "\($0.dropped)"]
                }),
        ]
    }
}
