// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("Internet checksum")
struct InternetChecksumTests {
    static func sum(_ bytes: [UInt8]) -> InternetChecksum {
        reading(bytes) { window in
            var sum = InternetChecksum()
            sum.add(window)
            return sum
        }
    }

    /// The example of RFC 1071 section 3.
    @Test func example() {
        #expect(Self.sum(hex("0001 f203 f4f5 f6f7")).folded == 0xDDF2)
        #expect(Self.sum(hex("0001 f203 f4f5 f6f7")).value == 0x220D)
        #expect(Self.sum([]).folded == 0)
    }

    @Test func everyLengthAgreesWithTheTextbook() {
        var random = Lehmer(state: 7)
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            #expect(Self.sum(bytes).folded == textbookSum(bytes), "length \(length)")
            let ones = [UInt8](repeating: 0xFF, count: length)
            #expect(Self.sum(ones).folded == textbookSum(ones), "length \(length)")
        }
    }

    @Test func piecesAddUp() {
        let bytes = (0..<101).map { UInt8($0 * 7 & 0xFF) }
        var sum = InternetChecksum()
        reading(Array(bytes[..<34])) { sum.add($0) }
        reading(Array(bytes[34...])) { sum.add($0) }
        #expect(sum.folded == textbookSum(bytes))
        var numbers = InternetChecksum()
        numbers.add(number: 0x0001)
        numbers.add(number: 0xF203)
        #expect(numbers.folded == 0xF204)
    }

    /// RFC 1624 section 4: the old equation gave 0xFFFF here.
    @Test func updateOfTheRFCsExample() {
        #expect(InternetChecksum.update(0xDD2F, word: 0x5555, to: 0x3285) == 0x0000)
    }

    @Test func updateAgreesWithComputingAnew() {
        var random = Lehmer(state: 3)
        let corners: [UInt16] = [0, 1, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF]
        for round in 0..<50_000 {
            func word() -> UInt16 {
                random.next() % 2 == 0 ? corners[Int(random.next() % 8)] : UInt16(truncatingIfNeeded: random.next())
            }
            // The first word is never zero: data that is all zero exists in no header.
            let words = [0x4500, word(), word(), word()]
            let position = 1 + round % 2
            var changed = words
            changed[position] = word()
            changed[position + 1] = word()
            func checksum(_ words: [UInt16]) -> UInt16 {
                ~textbookSum(words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] })
            }
            let step = InternetChecksum.update(checksum(words), word: words[position], to: changed[position])
            let both = InternetChecksum.update(step, word: words[position + 1], to: changed[position + 1])
            #expect(both == checksum(changed), "\(words) to \(changed)")
            let at = InternetChecksum.update(
                checksum(words), words: UInt32(words[position]) << 16 | UInt32(words[position + 1]),
                to: UInt32(changed[position]) << 16 | UInt32(changed[position + 1]))
            #expect(at == checksum(changed), "\(words) to \(changed)")
        }
    }
}
