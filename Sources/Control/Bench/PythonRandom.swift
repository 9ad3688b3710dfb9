// SPDX-License-Identifier: Apache-2.0

/// The random numbers of Python's module `random`: MT19937 (Matsumoto and Nishimura 1998), seeded by a text.
///
/// The benchmark inputs are defined by the Python program `Tools/bench-inputs`; this makes the same ones without Python.
struct PythonRandom {
    private var state = [UInt32](repeating: 0, count: 624)
    private var position = 624

    /// As `random.seed(text)` of Python 3.2 and later.
    /// - Parameter digest: SHA-512 of `text`, in hexadecimal.
    init(seed text: String, digest: String) {
        // Python makes one big number of text and digest; its least significant word comes first.
        let digits = Array(digest.utf8)
        let hash = stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16) ?? 0
        }
        let bytes = Array((Array(text.utf8) + hash).reversed())
        let key = stride(from: 0, to: bytes.count, by: 4).map { start in
            bytes[start..<min(start + 4, bytes.count)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        start(19_650_218)
        mix(key)
    }

    private mutating func start(_ seed: UInt32) {
        state[0] = seed
        for index in 1..<624 {
            state[index] = 1_812_433_253 &* (state[index - 1] ^ state[index - 1] >> 30) &+ UInt32(index)
        }
    }

    /// `init_by_array` of the reference implementation.
    private mutating func mix(_ key: [UInt32]) {
        var (index, word) = (1, 0)
        func scrambled(_ index: Int) -> UInt32 { state[index - 1] ^ state[index - 1] >> 30 }
        func advance() {
            index += 1
            if index < 624 { return }
            state[0] = state[623]
            index = 1
        }
        for _ in 0..<max(624, key.count) {
            state[index] = (state[index] ^ scrambled(index) &* 1_664_525) &+ key[word] &+ UInt32(word)
            advance()
            word = (word + 1) % key.count
        }
        for _ in 0..<623 {
            state[index] = (state[index] ^ scrambled(index) &* 1_566_083_941) &- UInt32(index)
            advance()
        }
        state[0] = 0x8000_0000
    }

    private mutating func nextWord() -> UInt32 {
        if position == 624 { refill() }
        var word = state[position]
        position += 1
        word ^= word >> 11
        word ^= word << 7 & 0x9d2c_5680
        word ^= word << 15 & 0xefc6_0000
        return word ^ word >> 18
    }

    private mutating func refill() {
        for index in 0..<624 {
            let word = state[index] & 0x8000_0000 | state[(index + 1) % 624] & 0x7fff_ffff
            state[index] = state[(index + 397) % 624] ^ word >> 1 ^ (word & 1 == 0 ? 0 : 0x9908_b0df)
        }
        position = 0
    }

    /// `random.getrandbits(count)`; 1 to 32.
    mutating func bits(_ count: Int) -> UInt32 { nextWord() >> UInt32(32 - count) }

    /// `random.getrandbits(count)`; 0 to 128.
    mutating func wideBits(_ count: Int) -> UInt128 {
        var number: UInt128 = 0
        // The least significant word comes first.
        for start in stride(from: 0, to: count, by: 32) { number |= UInt128(bits(min(32, count - start))) << start }
        return number
    }

    /// `random.randrange(limit)`; at least 1.
    mutating func below(_ limit: UInt32) -> UInt32 {
        let width = 32 - limit.leadingZeroBitCount
        while true {
            let drawn = bits(width)
            if drawn < limit { return drawn }
        }
    }
}
