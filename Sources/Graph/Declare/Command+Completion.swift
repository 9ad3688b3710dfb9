// SPDX-License-Identifier: Apache-2.0

extension CommandGrammar {
    /// One thing that may stand at the cursor.
    public struct Candidate: Sendable, Equatable, Encodable {
        /// The whole word; "<name>" with its angle brackets when any word may stand here.
        public let text: String
        public let doc: String

        public init(_ text: String, _ doc: String) {
            self.text = text
            self.doc = doc
        }

        /// A reminder for the reader, which cannot be typed as it is.
        public var isPlaceholder: Bool { text.hasPrefix("<") }
    }

    /// What may stand in the place of `partial` (empty: nothing typed yet) after the complete words `before`.
    ///
    /// Empty when the words before do not make sense: no completion is better than a wrong one.
    @ControlPlane
    public func complete(_ before: [String], _ partial: String) -> [Candidate] {
        var candidates = commands
        var depth = 0
        for word in before {
            guard let next = nextWord(word, candidates, depth) else { break }
            candidates = candidates.filter { $0.words.count > depth && $0.words[depth] == next }
            depth += 1
        }
        let whole = candidates.first { $0.words.count == depth }
        if depth < before.count {
            return whole?.complete(Array(before.dropFirst(depth)), partial) ?? []
        }
        var found: [Candidate] = []
        for command in candidates where command.words.count > depth {
            let word = command.words[depth]
            guard word.hasPrefix(partial), found.last?.text != word else { continue }
            let isLast = command.words.count == depth + 1
            found.append(Candidate(word, isLast ? command.summary : "..."))
        }
        return found + (whole?.complete([], partial) ?? [])
    }

    private func nextWord(_ word: String, _ candidates: [Command], _ depth: Int) -> String? {
        let nexts = Set(candidates.compactMap { $0.words.count > depth ? $0.words[depth] : nil })
        if nexts.contains(word) { return word }
        if candidates.contains(where: { $0.words.count == depth && $0.parameters.contains(where: \.isPositional) }) {
            return nil
        }
        let begun = nexts.filter { $0.hasPrefix(word) }
        return begun.count == 1 ? begun.first : nil
    }
}

extension Command {
    @ControlPlane
    fileprivate func complete(_ before: [String], _ partial: String) -> [CommandGrammar.Candidate] {
        var places = parameters.filter(\.isPositional)[...]
        var given: Set<String> = []
        var pending: Parameter?
        for word in before {
            if pending != nil {
                pending = nil
            } else if word.hasPrefix("--") {
                let name = String(word.dropFirst(2).prefix { $0 != "=" })
                given.insert(name)
                let option = parameters.first { !$0.isPositional && $0.name == name }
                if case .option? = option?.kind, !word.contains("=") { pending = option }
            } else if case .rest? = places.first?.kind {
                continue
            } else {
                _ = places.popFirst()
            }
        }
        if let pending { return pending.values(partial) }
        var found = partial.hasPrefix("-") ? [] : places.first?.values(partial) ?? []
        guard partial.isEmpty || partial.hasPrefix("-") else { return found }
        for parameter in parameters where !parameter.isPositional && !given.contains(parameter.name) {
            found.append(.init("--\(parameter.name)", parameter.doc))
        }
        if !given.contains("json") { found.append(.init("--json", "As one JSON document")) }
        return found.filter { $0.text.hasPrefix(partial) || $0.isPlaceholder }
    }
}

extension Command.Parameter {
    @ControlPlane
    fileprivate func values(_ partial: String) -> [CommandGrammar.Candidate] {
        let offered = completion?() ?? []
        if offered.isEmpty { return partial.isEmpty ? [.init("<\(name)>", doc)] : [] }
        return offered.sorted().filter { $0.hasPrefix(partial) }.map { .init($0, doc) }
    }
}
