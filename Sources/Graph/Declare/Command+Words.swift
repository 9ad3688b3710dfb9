// SPDX-License-Identifier: Apache-2.0

extension CommandGrammar {
    /// A typed line, split as a shell would: spaces separate, quotes and backslashes keep together.
    public struct Line: Sendable, Equatable {
        /// The words that are complete: something follows them.
        public var words: [String] = []
        /// The word at the end of the line, on which a cursor there would work; empty after a space.
        public var partial = ""
        /// Whether anything of `partial` was typed: `""` is an empty word, not none.
        public var hasPartial = false

        public init(_ text: String) {
            var quote: Character?
            var isEscaped = false
            for character in text {
                if isEscaped {
                    take(character)
                    isEscaped = false
                } else if character == "\\", quote != "'" {
                    isEscaped = true
                } else if let open = quote {
                    if character == open { quote = nil } else { take(character) }
                } else if character == "\"" || character == "'" {
                    quote = character
                    hasPartial = true
                } else if character.isWhitespace {
                    endWord()
                } else {
                    take(character)
                }
            }
        }

        /// All words, the last one included: what ENTER at the end of the line means.
        public var allWords: [String] { hasPartial ? words + [partial] : words }

        private mutating func take(_ character: Character) {
            partial.append(character)
            hasPartial = true
        }

        private mutating func endWord() {
            if hasPartial { words.append(partial) }
            partial = ""
            hasPartial = false
        }
    }
}
