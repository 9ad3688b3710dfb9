// SPDX-License-Identifier: Apache-2.0

/// A JSON value, for documents whose shape is not that of a Swift type.
public indirect enum JSON: Encodable, Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .boolean(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral,
    ExpressibleByBooleanLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }

    public init(booleanLiteral value: Bool) { self = .boolean(value) }

    public init(arrayLiteral elements: JSON...) { self = .array(elements) }

    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(Dictionary(elements) { $1 }) }
}

extension Schema {
    /// This schema as JSON Schema, draft 2020-12. What a closure checks (a text's format) becomes its description and
    /// example.
    public var json: JSON {
        var fields = structure
        if !doc.isEmpty { fields["description"] = .string(doc) }
        return .object(fields)
    }

    /// The whole document, as an editor wants it.
    public func document(title: String, id: String) -> JSON {
        guard case .object(var fields) = json else { return json }
        fields["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        fields["$id"] = .string(id)
        fields["title"] = .string(title)
        return .object(fields)
    }

    private var structure: [String: JSON] {
        switch kind {
        case .anything: [:]
        case .boolean: ["type": "boolean"]
        case .integer(let range): Schema.bounds("integer", range)
        case .number(let range):
            ["type": "number", "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)]
        case .text(let format): Schema.text(format)
        case .choice(let words): ["enum": .array(words.map(JSON.string))]
        case .list(let element, let count): Schema.list(element, count)
        case .object(let keys): Schema.object(keys)
        case .map(let value, _): ["type": ["object", "null"], "additionalProperties": value.json]
        case .variants(let key, let otherwise, let common, let variants):
            Schema.variants(key, otherwise, common, variants)
        case .either(let alternatives): ["anyOf": .array(alternatives.map(\.json))]
        }
    }

    private static func bounds(_ type: String, _ range: ClosedRange<Int>) -> [String: JSON] {
        var fields: [String: JSON] = ["type": .string(type)]
        if range.lowerBound != .min { fields["minimum"] = .integer(range.lowerBound) }
        if range.upperBound != .max { fields["maximum"] = .integer(range.upperBound) }
        return fields
    }

    private static func text(_ format: Format) -> [String: JSON] {
        // `64` is a number to YAML and a fine text to us: a size, a name, a rate.
        var fields: [String: JSON] = ["type": ["string", "number", "boolean"]]
        if format.name == Format.any.name { return fields }
        fields["description"] = .string("\(format.name), like \(format.example)")
        return fields
    }

    private static func list(_ element: Schema, _ count: ClosedRange<Int>) -> [String: JSON] {
        var fields: [String: JSON] = ["type": count.contains(0) ? ["array", "null"] : "array", "items": element.json]
        if count.lowerBound > 0 { fields["minItems"] = .integer(count.lowerBound) }
        if count.upperBound != .max { fields["maxItems"] = .integer(count.upperBound) }
        return fields
    }

    private static func object(_ keys: [Key]) -> [String: JSON] {
        var fields: [String: JSON] = ["type": "object", "additionalProperties": false]
        fields["properties"] = properties(keys)
        let required = keys.filter(\.isRequired).map { JSON.string($0.name) }
        if required.isEmpty { fields["type"] = ["object", "null"] } else { fields["required"] = .array(required) }
        return fields
    }

    private static func properties(_ keys: [Key]) -> JSON {
        var properties: [String: JSON] = [:]
        for key in keys {
            guard case .object(var fields) = key.schema.json else { continue }
            let format = if case .string(let text)? = fields["description"] { " (\(text))" } else { "" }
            if !key.doc.isEmpty { fields["description"] = .string(key.doc + format) }
            properties[key.name] = .object(fields)
        }
        return .object(properties)
    }

    private static func variants(
        _ key: String, _ otherwise: String?, _ common: [Key], _ variants: [Variant]
    ) -> [String: JSON] {
        let docs = variants.map { "\($0.word): \($0.doc)" }.joined(separator: "; ")
        let choice = Key(name: key, schema: .choice(variants.map(\.word)), isRequired: otherwise == nil, doc: docs)
        var fields = object([choice] + common)
        fields["additionalProperties"] = nil
        fields["unevaluatedProperties"] = false
        fields["allOf"] = .array(
            variants.map { variant in
                // An absent key satisfies `properties`, so only the variant that is meant by absence may do without it.
                let isDefault = variant.word == otherwise
                var condition: [String: JSON] = ["properties": [key: ["const": .string(variant.word)]]]
                if !isDefault { condition["required"] = [.string(key)] }
                var consequence: [String: JSON] = ["properties": properties(variant.keys)]
                let required = variant.keys.filter(\.isRequired).map { JSON.string($0.name) }
                if !required.isEmpty { consequence["required"] = .array(required) }
                return ["if": .object(condition), "then": .object(consequence)]
            })
        return fields
    }
}
