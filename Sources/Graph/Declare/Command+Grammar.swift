// SPDX-License-Identifier: Apache-2.0

/// All the commands there are: finds the one that words mean, with abbreviations, and says what may come next.
///
/// A word may be cut short as long as it stays clear: `sh int` is `show interfaces`. Where a command takes an argument,
/// a word written in full wins over the argument, an abbreviation does not.
public struct CommandGrammar: Sendable {
    public private(set) var commands: [Command]

    public init(_ commands: [Command] = []) {
        self.commands = commands.sorted { $0.words.lexicographicallyPrecedes($1.words) }
    }

    /// What words were understood to mean.
    public struct Resolved: Sendable {
        public let command: Command
        public let arguments: CommandArguments
        /// `--json` was among the words: every command knows it.
        public let wantsJSON: Bool
    }

    /// Whether the words ask for JSON, even if they are no command: the error is JSON then.
    public static func wantsJSON(_ words: [String]) -> Bool { words.prefix { $0 != "--" }.contains("--json") }

    public func resolve(_ words: [String]) throws(CommandError) -> Resolved {
        let given = words.split(separator: "--", maxSplits: 1, omittingEmptySubsequences: false)
        let leading = (given.first ?? []).filter { $0 != "--json" }
        let verbatim = given.count > 1 ? Array(given[1]) : []
        if leading.isEmpty { throw .usage("there is no command", "type 'help' for the list") }
        let (command, taken) = try find(leading)
        let arguments = try command.arguments(Array(leading.dropFirst(taken)), verbatim: verbatim)
        return Resolved(command: command, arguments: arguments, wantsJSON: CommandGrammar.wantsJSON(words))
    }

    /// The command which the first words name, and how many words that took.
    private func find(_ words: [String]) throws(CommandError) -> (Command, Int) {
        var candidates = commands
        var depth = 0
        for word in words {
            if word.hasPrefix("-") { break }
            let complete = candidates.first { $0.words.count == depth }
            let nexts = Set(candidates.compactMap { $0.words.count > depth ? $0.words[depth] : nil })
            if nexts.isEmpty { break }
            guard let next = try match(word, nexts, at: words.prefix(depth), orArgumentOf: complete) else { break }
            candidates = candidates.filter { $0.words.count > depth && $0.words[depth] == next }
            depth += 1
        }
        if let found = candidates.first(where: { $0.words.count == depth }) { return (found, depth) }
        let nexts = Set(candidates.map { $0.words[depth] }).sorted()
        let soFar = candidates.first?.words.prefix(depth).joined(separator: " ") ?? ""
        throw .usage("'\(soFar)' is not a whole command", "it goes on with \(Setting.alternatives(nexts))")
    }

    /// The word that `word` stands for; nil if it is an argument of `command`.
    private func match(
        _ word: String, _ nexts: Set<String>, at before: ArraySlice<String>, orArgumentOf command: Command?
    ) throws(CommandError) -> String? {
        if nexts.contains(word) { return word }
        if let command, command.parameters.contains(where: \.isPositional) { return nil }
        let begun = nexts.filter { $0.hasPrefix(word) }
        if begun.count == 1 { return begun.first }
        let place = before.isEmpty ? "" : " after '\(before.joined(separator: " "))'"
        if begun.count > 1 {
            throw .usage("'\(word)' is ambiguous\(place)", "it may be \(Setting.alternatives(begun.sorted()))")
        }
        if let command {
            throw .usage("'\(command.words.joined(separator: " "))' takes no '\(word)'", "usage: \(command.usage)")
        }
        throw .usage("unknown word '\(word)'\(place)", Spelling.hint(for: word, among: nexts))
    }
}

extension Command {
    /// Sorts the words after the command's own into its parameters; `verbatim` are those after `--`.
    fileprivate func arguments(_ words: [String], verbatim: [String]) throws(CommandError) -> CommandArguments {
        var arguments = CommandArguments()
        var places = parameters.filter(\.isPositional)[...]
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            guard word.hasPrefix("--"), word.count > 2 else {
                try place(word, &places, &arguments)
                continue
            }
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
                String.init)
            let option = try option(parts[0])
            if case .flag = option.kind {
                if parts.count > 1 { throw .usage("--\(option.name) takes no value", "usage: \(usage)") }
                arguments.insert(flag: option.name)
            } else if parts.count > 1 {
                arguments[option.name] = parts[1]
            } else if index < words.count {
                arguments[option.name] = words[index]
                index += 1
            } else {
                throw .usage("--\(option.name) wants a value", "usage: \(usage)")
            }
        }
        for word in verbatim { try place(word, &places, &arguments) }
        try checkMissing(places, arguments)
        return arguments
    }

    private func place(
        _ word: String, _ places: inout ArraySlice<Parameter>, _ arguments: inout CommandArguments
    ) throws(CommandError) {
        guard let next = places.first else {
            throw .usage("'\(words.joined(separator: " "))' takes no '\(word)'", "usage: \(usage)")
        }
        if case .rest = next.kind { return arguments.append(rest: word) }
        arguments[next.name] = word
        places.removeFirst()
    }

    private func option(_ name: String) throws(CommandError) -> Parameter {
        let options = parameters.filter { !$0.isPositional }
        if let exact = options.first(where: { $0.name == name }) { return exact }
        let begun = options.filter { $0.name.hasPrefix(name) }
        if begun.count == 1 { return begun[0] }
        let hint = Spelling.hint(for: name, among: options.map(\.name) + ["json"])
        throw .usage("unknown option --\(name)", hint)
    }

    private func checkMissing(_ places: ArraySlice<Parameter>, _ arguments: CommandArguments) throws(CommandError) {
        for parameter in places {
            switch parameter.kind {
            case .required: throw .usage("'\(parameter.name)' is missing", "usage: \(usage)")
            case .rest(required: true) where arguments.rest.isEmpty:
                throw .usage("'\(parameter.name)' is missing", "usage: \(usage)")
            default: continue
            }
        }
    }
}
