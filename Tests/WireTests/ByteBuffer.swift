// SPDX-License-Identifier: Apache-2.0
import Wire

/// Lends a window on a copy of `bytes` that ends where they end.
func reading<Result>(_ bytes: [UInt8], _ body: (Bytes) throws -> Result) rethrows -> Result {
    var copy = bytes
    return try copy.withBytes(body)
}

/// What `body` writes into a window of `count` bytes. They start as 0xa5, so that a field which is not set shows.
func writing(_ count: Int, _ body: (Bytes) -> Void) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xA5, count: count)
    bytes.withBytes(body)
    return bytes
}

/// Bytes of hexadecimal digits; blanks and line breaks between them are for the reader.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// A small generator with a printable state.
struct Lehmer: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9
    }
}
