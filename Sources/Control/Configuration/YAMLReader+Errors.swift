// SPDX-License-Identifier: Apache-2.0
import Graph
import Yams

extension ConfigurationError {
    /// libyaml's complaint in plain words, with its place.
    init(_ error: YamlError, file: String, text: String) {
        func mark(_ mark: Yams.Mark) -> Graph.Mark { Graph.Mark(file: file, line: mark.line, column: mark.column) }
        switch error {
        case .scanner(_, let problem, let place, _), .parser(_, let problem, let place, _):
            self.init(at: mark(place), problem, Self.remedy(problem))
        case .composer(_, let problem, let place, _):
            let isSecond = problem.contains("another document")
            self.init(
                at: mark(place), isSecond ? "a second document begins here" : problem,
                isSecond ? "keep one document in a file" : Self.remedy(problem))
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { "'\($0)'" }.joined(separator: ", ")
            self.init(at: mark(context.mark), "\(names) is written more than once in this map", "keep one of them")
        case .reader(let problem, let offset, _, _):
            self.init(at: Self.mark(offset ?? 0, in: text, file: file), problem, "save the file as UTF-8 text")
        case .memory:
            // libyaml reports its limit of 1,000 levels as lack of memory.
            let start = Graph.Mark(file: file, line: 1, column: 1)
            self.init(at: start, "values are nested too deeply, or memory is short", "nest them less")
        case .no, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            self.init(at: Graph.Mark(file: file, line: 1, column: 1), "this is not YAML", "save the file as UTF-8 text")
        }
    }

    private static func mark(_ offset: Int, in text: String, file: String) -> Graph.Mark {
        let before = text.prefix(offset)
        let line = before.count { $0.isNewline } + 1
        let column = before.reversed().prefix { !$0.isNewline }.count + 1
        return Graph.Mark(file: file, line: line, column: column)
    }

    private static func remedy(_ problem: String) -> String {
        let known = [
            (
                "cannot start any token",
                "indent with spaces, not tabs, and put text that begins with @, ` or % in quotes"
            ),
            ("mapping values are not allowed", "check the indentation, and put text that contains ': ' in quotes"),
            ("did not find expected key", "check the indentation of this line and of the one before"),
            ("could not find expected ':'", "write 'key: value', and check the indentation"),
            ("did not find expected '-' indicator", "check the indentation of this list"),
            ("did not find expected ',' or ']'", "close the list with ']'"),
            ("did not find expected ',' or '}'", "close the map with '}'"),
            ("unexpected end of stream", "close the quotes"),
            ("found undefined alias", "define its anchor (&name) before it"),
        ]
        return known.first { problem.contains($0.0) }?.1 ?? "check this line and the one before"
    }
}
