// SPDX-License-Identifier: Apache-2.0

/// Makes broken files out of good ones: bytes changed, pieces lost, doubled and exchanged, words put where they don't
/// belong.
struct TextMutator {
    let seeds: [[UInt8]]
    /// Words that mean something to the reader.
    let words: [[UInt8]]

    private static let odd: [[UInt8]] = [
        [0], [0xff], [0xc3], [0xe2, 0x80, 0xae], Array("\u{1F426}".utf8), Array("\t".utf8), Array("\r\n".utf8),
        Array("-1".utf8), Array("0".utf8), Array("65536".utf8), Array("4294967296".utf8),
        Array("9223372036854775807".utf8), Array("18446744073709551616".utf8), Array("1e400".utf8), Array("nan".utf8),
        Array("../..".utf8),
    ]
    private static let longest = 1 << 16

    init(seeds: [[UInt8]], words: [String]) {
        self.seeds = seeds.isEmpty ? [[]] : seeds
        self.words = words.map { Array($0.utf8) } + TextMutator.odd
    }

    func make(_ random: inout FuzzRandom) -> [UInt8] {
        var text = seeds[random.below(seeds.count)]
        for _ in 0...random.below(4) { change(&text, &random) }
        return text.count > TextMutator.longest ? Array(text.prefix(TextMutator.longest)) : text
    }

    private func change(_ text: inout [UInt8], _ random: inout FuzzRandom) {
        switch random.below(9) {
        case 0: if !text.isEmpty { text[random.below(text.count)] ^= 1 << UInt8(random.below(8)) }
        case 1: text.removeSubrange(piece(text, 16, &random))
        case 2: text.removeSubrange(line(text, &random))
        case 3: insert(words[random.below(words.count)], &text, &random)
        case 4: text.replaceSubrange(word(text, &random), with: words[random.below(words.count)])
        case 5: insert(Array(text[line(text, &random)]), &text, &random)
        case 6: insert(Array(text[piece(text, 64, &random)]), &text, &random)
        case 7:
            let other = seeds[random.below(seeds.count)]
            text = Array(text.prefix(random.below(text.count + 1))) + other.dropFirst(random.below(other.count + 1))
        default:
            let one = piece(text, 4, &random)
            text.replaceSubrange(one, with: (0..<random.below(8)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        }
    }

    private func insert(_ new: [UInt8], _ text: inout [UInt8], _ random: inout FuzzRandom) {
        text.insert(contentsOf: new, at: random.below(text.count + 1))
    }

    private func piece(_ text: [UInt8], _ longest: Int, _ random: inout FuzzRandom) -> Range<Int> {
        let start = random.below(text.count + 1)
        return start..<min(text.count, start + random.below(longest + 1))
    }

    /// The run of like bytes around a random place that ends at blanks and punctuation.
    private func word(_ text: [UInt8], _ random: inout FuzzRandom) -> Range<Int> {
        around(text, &random) { byte in
            let separators: [UInt8] = Array(" \n\t:,[]{}\"'".utf8)
            return separators.contains(byte)
        }
    }

    private func line(_ text: [UInt8], _ random: inout FuzzRandom) -> Range<Int> {
        around(text, &random) { $0 == UInt8(ascii: "\n") }
    }

    private func around(_ text: [UInt8], _ random: inout FuzzRandom, _ isEnd: (UInt8) -> Bool) -> Range<Int> {
        let place = random.below(text.count + 1)
        let start = text[..<place].lastIndex(where: isEnd).map { $0 + 1 } ?? 0
        let end = text[place...].firstIndex(where: isEnd) ?? text.count
        return start..<end
    }
}
