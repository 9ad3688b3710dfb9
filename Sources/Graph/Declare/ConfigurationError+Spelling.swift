// SPDX-License-Identifier: Apache-2.0

/// "Did you mean": the nearest of the known names, for configuration keys and command words alike.
public enum Spelling {
    /// The known name that `word` most probably stands for, or nil when none is near enough to be a help.
    ///
    /// Near means: at most one edit for every three letters (an edit inserts, removes or replaces a letter or swaps two
    /// neighbours), or that one begins with the other.
    public static func nearest(to word: String, among names: some Sequence<String>) -> String? {
        let wanted = Array(word.lowercased())
        guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
        var best: (name: String, edits: Int)?
        for name in names {
            let known = Array(name.lowercased())
            guard !known.isEmpty, known.count <= 64 else { continue }
            var edits = distance(wanted, known)
            let begins =
                min(wanted.count, known.count) >= 3 && (known.starts(with: wanted) || wanted.starts(with: known))
            if begins { edits = min(edits, 1) }
            let allowed = max(1, max(wanted.count, known.count) / 3)
            if edits <= allowed, edits < best?.edits ?? Int.max { best = (name, edits) }
        }
        return best?.name
    }

    /// "did you mean 'mtu'?", or failing that the list of what is known.
    public static func hint(for word: String, among names: some Collection<String>) -> String {
        if let name = nearest(to: word, among: names) { return "did you mean '\(name)'?" }
        if names.isEmpty { return "nothing is known here" }
        return "known: \(names.sorted().joined(separator: ", "))"
    }

    /// Damerau-Levenshtein distance with adjacent swaps (optimal string alignment).
    static func distance(_ a: [Character], _ b: [Character]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + [Int](repeating: 0, count: b.count)
            for j in 1...b.count {
                let replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                row[j] = min(last[j] + 1, row[j - 1] + 1, replaced)
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
                if swapped { row[j] = min(row[j], beforeLast[j - 2] + 1) }
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
