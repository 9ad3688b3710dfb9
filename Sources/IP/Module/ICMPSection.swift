// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `icmp:` as the file has it.
struct ICMPSection {
    var rate = 1000
    var burst = 200
    var ratePerSource = 50
    var burstPerSource = 20
    var redirects = false

    static let schema = Schema.object(
        [
            .key(
                "rate", .integer(1...1_000_000),
                "Errors, or TCP resets, a second in all, of each family; 1000 if absent"),
            .key("burst", .integer(1...1_000_000), "Errors, or TCP resets, at once in all; 200 if absent"),
            .key(
                "rate-per-source", .integer(1...1_000_000), "Errors, or TCP resets, a second to one host; 50 if absent"),
            .key(
                "burst-per-source", .integer(1...1_000_000), "Errors, or TCP resets, at once to one host; 20 if absent"),
            .key(
                "redirects", .boolean,
                "Tell hosts of a better first hop when their packets leave by the link that they came by; no if absent"),
        ], doc: "ICMP and ICMPv6: what the router says of its own accord, and how much of it")

    init() {}

    init(_ setting: Setting) throws(ConfigurationError) {
        let range = 1...1_000_000
        rate = try setting["rate"]?.integer(in: range) ?? rate
        burst = try setting["burst"]?.integer(in: range) ?? burst
        ratePerSource = try setting["rate-per-source"]?.integer(in: range) ?? ratePerSource
        burstPerSource = try setting["burst-per-source"]?.integer(in: range) ?? burstPerSource
        redirects = try setting["redirects"]?.boolean ?? redirects
    }

    func settings(workerCount: Int) -> ICMPSettings {
        ICMPSettings(
            limits: ICMPErrorLimits(
                perSecond: Double(rate), burst: burst, perSourcePerSecond: Double(ratePerSource),
                perSourceBurst: burstPerSource, workerCount: workerCount),
            sendsRedirects: redirects)
    }
}

extension IPModule {
    var icmpSection: Section {
        Section("icmp", ICMPSection.schema) { [unowned self] setting throws(ConfigurationErrors) in
            let section = try ConfigurationErrors.collecting { (_) throws(ConfigurationError) in
                try ICMPSection(setting)
            }
            return { [unowned self] in setICMP(section) }
        }
    }

    func setICMP(_ section: ICMPSection) { icmp.set(section.settings(workerCount: engine.workers.count), on: engine) }
}
