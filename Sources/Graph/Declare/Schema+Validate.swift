// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Everything about `setting` that this schema does not allow, each with its place; empty when all is well.
    public func validate(_ setting: Setting) -> [ConfigurationError] {
        var errors: [ConfigurationError] = []
        check(setting, &errors)
        return errors
    }

    private func check(_ setting: Setting, _ errors: inout [ConfigurationError]) {
        do {
            switch kind {
            case .anything: break
            case .boolean: _ = try setting.boolean
            case .integer(let range): _ = try setting.integer(in: range) as Int
            case .number(let range): _ = try setting.number(in: range)
            case .text(let format): try Schema.check(setting, format)
            case .choice(let words): try Schema.check(setting, words)
            case .list(let element, let count): try check(setting, each: element, count, &errors)
            case .object(let keys): try check(setting, keys, &errors)
            case .map(let value, let names): try check(setting, each: value, names, &errors)
            case .variants(let key, let otherwise, let common, let variants):
                try check(setting, by: key, otherwise, common, variants, &errors)
            case .either(let alternatives): check(setting, oneOf: alternatives, &errors)
            }
        } catch {
            errors.append(error)
        }
    }

    private static func check(_ setting: Setting, _ format: Format) throws(ConfigurationError) {
        guard case .scalar(let text) = setting.value else {
            throw setting.error("\(setting.written) is not \(format.name)", "give one like \(format.example)")
        }
        if format.accepts(text) { return }
        throw setting.error("'\(text)' is not \(format.name)", "give one like \(format.example)")
    }

    private static func check(_ setting: Setting, _ words: [String]) throws(ConfigurationError) {
        if case .scalar(let text) = setting.value, words.contains(text) { return }
        throw setting.unknownChoice(among: words)
    }

    private func check(
        _ setting: Setting, each element: Schema, _ count: ClosedRange<Int>, _ errors: inout [ConfigurationError]
    ) throws(ConfigurationError) {
        let elements = try setting.list
        for one in elements { element.check(one, &errors) }
        if count.contains(elements.count) { return }
        throw setting.error("\(elements.count) elements are given", Setting.remedy(count))
    }

    private func check(
        _ setting: Setting, each value: Schema, _ names: Format, _ errors: inout [ConfigurationError]
    ) throws(ConfigurationError) {
        let entries = try setting.map
        Schema.checkTwice(entries, &errors)
        for entry in entries {
            if !names.accepts(entry.key) {
                let problem = "'\(entry.key)' is not \(names.name)"
                errors.append(
                    ConfigurationError(
                        at: entry.mark, path: entry.value.path, problem, "give one like \(names.example)"))
            }
            value.check(entry.value, &errors)
        }
    }

    private func check(_ setting: Setting, _ keys: [Key], _ errors: inout [ConfigurationError])
        throws(ConfigurationError)
    {
        let entries = try setting.map
        Schema.checkTwice(entries, &errors)
        for entry in entries {
            guard let key = keys.first(where: { $0.name == entry.key }) else {
                let hint = Spelling.hint(for: entry.key, among: keys.map(\.name))
                errors.append(
                    ConfigurationError(at: entry.mark, path: entry.value.path, "unknown key '\(entry.key)'", hint))
                continue
            }
            key.schema.check(entry.value, &errors)
        }
        Schema.checkRequired(setting, keys, &errors)
    }

    private func check(
        _ setting: Setting, by distinguishing: String, _ otherwise: String?, _ common: [Key], _ variants: [Variant],
        _ errors: inout [ConfigurationError]
    ) throws(ConfigurationError) {
        _ = try setting.map
        let chosen = setting[distinguishing]
        guard let word = try chosen?.string ?? otherwise else { throw missing(distinguishing, in: setting, variants) }
        guard let variant = variants.first(where: { $0.word == word }) else {
            throw (chosen ?? setting).unknownChoice(among: variants.map(\.word))
        }
        let choice = Key.key(distinguishing, .choice(variants.map(\.word)), "")
        let keys = [choice] + common + variant.keys
        // A key of another variant is no slip of the pen: say where it belongs.
        var known = keys
        for entry in try setting.map where !keys.contains(where: { $0.name == entry.key }) {
            let owners = variants.filter { $0.keys.contains { $0.name == entry.key } }.map(\.word)
            if owners.isEmpty { continue }
            let problem = "'\(entry.key)' does not go with \(distinguishing): \(word)"
            let remedy = "remove it, or set \(distinguishing): \(Setting.alternatives(owners))"
            errors.append(ConfigurationError(at: entry.mark, path: entry.value.path, problem, remedy))
            known.append(.key(entry.key, .anything, ""))
        }
        try check(setting, known, &errors)
    }

    private func missing(_ key: String, in setting: Setting, _ variants: [Variant]) -> ConfigurationError {
        setting.error("'\(key)' is missing", "add '\(key):' with \(Setting.alternatives(variants.map(\.word)))")
    }

    private func check(_ setting: Setting, oneOf alternatives: [Schema], _ errors: inout [ConfigurationError]) {
        if let fitting = alternatives.first(where: { $0.fits(setting) }) { return fitting.check(setting, &errors) }
        alternatives.first?.check(setting, &errors)
    }

    private static func checkRequired(_ setting: Setting, _ keys: [Key], _ errors: inout [ConfigurationError]) {
        let present = (try? setting.map.map(\.key)) ?? []
        for key in keys where key.isRequired && !present.contains(key.name) {
            errors.append(setting.error("'\(key.name)' is missing", "add '\(key.name):'"))
        }
    }

    private static func checkTwice(_ entries: [Setting.Entry], _ errors: inout [ConfigurationError]) {
        var first: [String: Mark] = [:]
        for entry in entries {
            guard let earlier = first.updateValue(entry.mark, forKey: entry.key) else { continue }
            let problem = "'\(entry.key)' is written twice, first in line \(earlier.line)"
            errors.append(ConfigurationError(at: entry.mark, path: entry.value.path, problem, "keep one of them"))
        }
    }

    private func fits(_ setting: Setting) -> Bool {
        switch (kind, setting.value) {
        case (.anything, _): true
        case (.either(let alternatives), _): alternatives.contains { $0.fits(setting) }
        case (.boolean, .scalar), (.integer, .scalar), (.number, .scalar): accepts(setting)
        case (.text, .scalar), (.choice, .scalar): true
        case (.list, .list), (.list, .null): true
        case (.object, .map), (.map, .map), (.variants, .map): true
        case (.object, .null), (.map, .null), (.variants, .null): true
        default: false
        }
    }

    private func accepts(_ setting: Setting) -> Bool { validate(setting).isEmpty }
}
