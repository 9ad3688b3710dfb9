// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `mpls:` static labels; and `interfaces.NAME.mpls`.
extension IPModule {
    /// What is below a label that is taken off.
    enum LabelPop: String, CaseIterable, Sendable {
        case ip, label
    }

    private static let label = Schema.integer(16...0xf_ffff)
    private static let outLabel = Schema.integer(0...0xf_ffff)

    private static let backupKeys: [Schema.Key] = [
        .required(
            "via", .text(.ipAddress),
            "The next hop: a neighbour on a connected network, or an address that a route of the main table leads to"),
        .key("interface", .text(.name), "The interface on whose networks the next hop must be; any if absent"),
        .key("swap", outLabel, "The label in place of the one that came; if absent that is taken off"),
        .key("push", .list(of: outLabel, count: 1...7), "Labels on top of the swapped one, the outermost first"),
    ]

    private static let wayKeys =
        backupKeys + [
            .key("weight", .integer(1...255), "Share of the traffic beside the other paths'; 1 if absent"),
            .key(
                "preference", .integer(0...255),
                "Paths with the least number are used, others while none of those can be; 0 if absent"),
            .key("backup", .object(backupKeys), "Where packets go while the next hop is down"),
        ]

    private static let entryKeys: [Schema.Key] =
        [
            .required("label", label, "The incoming label"),
            .key(
                "bottom", .boolean,
                "Only as the last label of a stack (true), or only above others (false); both if absent"),
            .key(
                "ttl", .choice(of: TTLMode.self),
                "Whether TTL and traffic class are copied where labels are pushed and taken off (uniform), or the path "
                    + "counts as one hop (pipe); pipe if absent"),
            .key(
                "pop", .choice(of: LabelPop.self),
                "Take the label off, and route the IP packet below, or look the label below it up"),
            .key("vrf", .text(.name), "The VRF for `pop: ip`; the main table if absent"),
            .key("paths", .list(of: .object(wayKeys), count: 1...256), "Several paths, in place of `via`"),
        ]
        + wayKeys.map { Schema.Key.key($0.name, $0.schema, $0.doc) }

    private static let mplsSchema = Schema.object(
        [.key("labels", .list(of: .object(entryKeys)), "What becomes of packets with these labels")],
        doc: "Label switching (MPLS)")

    var mplsSection: Section {
        Section("mpls", IPModule.mplsSchema) { [unowned self] setting throws(ConfigurationErrors) in
            let steps = try readLabels(setting["labels"])
            return { for step in steps { try step() } }
        }
    }

    /// `interfaces.NAME.mpls: true`
    var mplsAttribute: InterfaceAttribute {
        let key = Schema.Key.key("mpls", .boolean, "Take MPLS packets; false if absent")
        return InterfaceAttribute(key) { setting throws(ConfigurationErrors) in
            let isOn = try ConfigurationErrors.collecting { (_) throws(ConfigurationError) in try setting.boolean }
            return { $0.setFlag(.mpls, isOn) }
        }
    }

    private func readLabels(_ setting: Setting?) throws(ConfigurationErrors) -> [Step] {
        guard let setting else { return [] }
        return try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
            var steps: [Step] = []
            var seen: [String: Setting] = [:]
            for element in try setting.list {
                let step = errors.collect { () throws(ConfigurationError) in try readLabel(element, &seen) }
                if let step { steps.append(step) }
            }
            return steps
        }
    }

    private func readLabel(_ setting: Setting, _ seen: inout [String: Setting]) throws(ConfigurationError) -> Step {
        let number = try setting.required("label")
        let label = MPLSLabel(rawValue: try number.integer(in: 16...0xf_ffff))
        let bottom = try setting["bottom"]?.boolean
        let place: LabelFIB.Place = bottom.map { $0 ? .bottom : .above } ?? .any
        for isBottom in [true, false] where bottom ?? isBottom == isBottom {
            if let earlier = seen.updateValue(setting, forKey: "\(label) \(isBottom)") {
                throw number.error("label \(label) is in line \(earlier.mark.line) already", "keep one of them")
            }
        }
        let mode = try setting["ttl"]?.choice(of: TTLMode.self) ?? .pipe
        let action = try readAction(setting, mode, place)
        return { [unowned self] in
            do throws(RouteError) {
                try labels.set(label, try action(), at: place, mode: mode, from: LabelFIB.operatorName)
            } catch {
                throw number.error(error)
            }
        }
    }

    private typealias Action = @ControlPlane () throws(RouteError) -> LabelFIB.Action

    private func readAction(
        _ setting: Setting, _ mode: TTLMode, _ place: LabelFIB.Place
    ) throws(ConfigurationError) -> Action {
        if let pop = setting["pop"] {
            for key in ["via", "swap", "push", "paths", "backup", "interface", "weight", "preference"] {
                if let other = setting[key] {
                    throw other.error("`\(key)` does not go with `pop`", "remove one of them")
                }
            }
            switch try pop.choice(of: LabelPop.self) {
            case .ip:
                guard place != .above else {
                    throw pop.error(.noPacketBelow)
                }
                let name = try setting["vrf"]?.string ?? VRF.mainName
                return { [unowned self] () throws(RouteError) in
                    guard let table = fib.table(named: name) else {
                        throw .noTable(named: name, fib.tables.map(\.name))
                    }
                    return .lookupIP(table.index)
                }
            case .label:
                guard place != .bottom else {
                    throw pop.error(.noLabelBelow)
                }
                if let vrf = setting["vrf"] { throw vrf.error("`vrf` goes with `pop: ip`", "remove it") }
                return { () throws(RouteError) in .lookupLabel }
            }
        }
        if let vrf = setting["vrf"] { throw vrf.error("`vrf` goes with `pop: ip`", "add that, or remove it") }
        let ways = try setting["paths"]?.list
        if ways != nil, let via = setting["via"] { throw via.error("`via` and `paths` exclude each other", "keep one") }
        let paths = try (ways ?? [setting]).map { way throws(ConfigurationError) in try readWay(way, mode) }
        return { () throws(RouteError) in
            .paths(try paths.map { path throws(RouteError) in try path() })
        }
    }

    private func readWay(
        _ setting: Setting, _ mode: TTLMode
    ) throws(ConfigurationError) -> @ControlPlane () throws(RouteError) -> Path {
        let via = try setting.required("via")
        let nextHop = try via.ipAddress()
        let interface = try setting["interface"]?.string
        if let objection = plan.objection(toNeighbor: nextHop, on: interface) {
            guard objection.isNotConnected, interface == nil, nextHop.isOneHost else { throw via.error(objection) }
            routePlan.begin(nil, in: VRF.mainName)
            routePlan.mustLead(to: nextHop, in: VRF.mainName, via)
        }
        let labels = try readStack(setting)
        let weight = try setting["weight"]?.integer(in: 1...255) ?? 1
        let preference = try setting["preference"]?.integer(in: 0...255) ?? 0
        let backup = try setting["backup"].map { other throws(ConfigurationError) in try readWay(other, mode) }
        return { [unowned self] () throws(RouteError) in
            var path = try path(via: nextHop, on: interface.flatMap(engine.interface(named:)), mustExist: false)
            path.labels = labels
            path.mode = mode
            path.weight = weight
            path.preference = preference
            if let backup { path.backup = [try backup()] }
            return path
        }
    }

    private func readStack(_ setting: Setting) throws(ConfigurationError) -> [UInt32] {
        var labels: [UInt32] = []
        if let push = setting["push"] {
            guard setting["swap"] != nil else {
                throw push.error("`push` goes on top of a swapped label", "add `swap`")
            }
            for element in try push.list { labels.append(try readOutgoing(element)) }
        }
        if let swap = setting["swap"] { labels.append(try readOutgoing(swap)) }
        return labels
    }

    private func readOutgoing(_ setting: Setting) throws(ConfigurationError) -> UInt32 {
        let label: UInt32 = try setting.integer(in: 0...0xf_ffff)
        if let objection = RouteError.objection(toOutgoing: label) { throw setting.error(objection) }
        return label
    }
}

extension RouteError {
    /// What speaks against sending a label: implicit null is never sent, others that are reserved mean something else.
    static func objection(toOutgoing label: UInt32) -> RouteError? {
        switch label {
        case 0, 2, 16...0xf_ffff: nil
        case 3: RouteError("label 3, implicit null, is never sent", "leave it out: the label that came is taken off")
        default: RouteError("\(label) is no label to send", "give 16 to 1048575, or explicit null: 0 or 2")
        }
    }

    static let noPacketBelow = RouteError(
        "a label above others has no IP packet below it", "have it at the bottom of the stack, or anywhere")
    static let noLabelBelow = RouteError(
        "the last label of a stack has none below it", "have it above others, or anywhere")

    static func noTable(named name: String, _ known: [String]) -> RouteError {
        RouteError("there is no VRF '\(name)'", Spelling.hint(for: name, among: known))
    }
}
