// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Writes a value as one JSON document: keys in snake_case and sorted, numbers as numbers.
public enum JSONRenderer {
    /// The document with a newline at its end.
    public static func render(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
        } catch {
            // Still one valid document, with a fixed text: nothing in it can fail to encode.
            return #"{"error": {"code": "failed", "message": "the answer cannot be written as JSON"}}"# + "\n"
        }
    }
}
