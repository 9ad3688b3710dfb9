// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph

/// As much of JSON Schema (2020-12) as the published schema uses; a keyword that it does not know is an error, not a pass.
struct JSONSchema {
    private let root: JSON

    init(file: String) throws {
        root = try JSON(parsing: try String(contentsOfFile: file, encoding: .utf8))
    }

    /// What is wrong with a document, one line each.
    func errors(in document: JSON) -> [String] { JSONSchema.errors(document, root, at: "$") }

    private static let annotations: Set<String> = ["$schema", "$id", "title", "description", "then", "properties"]

    private static func errors(_ value: JSON, _ schema: JSON, at path: String) -> [String] {
        var errors = schema.members.flatMap { keyword, rule in
            annotations.contains(keyword) ? [] : check(keyword, rule, schema, value, at: path)
        }
        for (name, member) in value.members {
            if let rule = schema["properties"]?[name] {
                errors += JSONSchema.errors(member, rule, at: "\(path).\(name)")
            }
        }
        return errors
    }

    private static func check(
        _ keyword: String, _ rule: JSON, _ schema: JSON, _ value: JSON, at path: String
    ) -> [String] {
        func demand(_ isRight: Bool, _ problem: String) -> [String] { isRight ? [] : ["\(path): \(problem)"] }
        switch keyword {
        case "type":
            let allowed = rule.elements.isEmpty ? [rule] : rule.elements
            return demand(value.types.contains { allowed.contains(.string($0)) }, "\(value.types[0]) is not \(allowed)")
        case "const": return demand(value == rule, "\(value) is not \(rule)")
        case "enum": return demand(rule.elements.contains(value), "\(value) is none of \(rule.elements)")
        case "minimum": return demand(value.number ?? .infinity >= rule.number ?? 0, "\(value) is below \(rule)")
        case "maximum": return demand(value.number ?? -.infinity <= rule.number ?? 0, "\(value) is above \(rule)")
        case "minItems": return demand(value.elements.count >= Int(rule.number ?? 0), "too few elements")
        case "maxItems": return demand(value.elements.count <= Int(rule.number ?? 0), "too many elements")
        case "required":
            guard case .object(let members) = value else { return [] }
            return rule.elements.flatMap { name in
                demand(members.keys.contains { .string($0) == name }, "\(name) is missing")
            }
        case "items":
            return value.elements.enumerated().flatMap { errors($1, rule, at: "\(path)[\($0)]") }
        case "additionalProperties", "unevaluatedProperties": return others(rule, schema, value, at: path)
        case "anyOf":
            let judgements = rule.elements.map { errors(value, $0, at: path) }
            return judgements.contains([]) ? [] : judgements.flatMap { $0 }
        case "allOf": return rule.elements.flatMap { errors(value, $0, at: path) }
        case "if":
            guard errors(value, rule, at: path).isEmpty, let then = schema["then"] else { return [] }
            return errors(value, then, at: path)
        default: return demand(false, "the keyword \(keyword) is not known here")
        }
    }

    /// Members that no `properties` names: neither those of this schema, nor those of what its conditions add.
    private static func others(_ rule: JSON, _ schema: JSON, _ value: JSON, at path: String) -> [String] {
        var named = Set((schema["properties"] ?? .null).members.keys)
        for part in schema["allOf"]?.elements ?? [] where errors(value, part["if"] ?? .null, at: path).isEmpty {
            named.formUnion((part["then"]?["properties"] ?? .null).members.keys)
        }
        return value.members.flatMap { name, member in
            if named.contains(name) { return [String]() }
            return rule == .boolean(false)
                ? ["\(path): \(name) is not known"] : errors(member, rule, at: "\(path).\(name)")
        }
    }
}

extension JSON {
    private struct Parsed: Decodable {
        let value: JSON

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                value = .null
            } else if let boolean = try? container.decode(Bool.self) {
                value = .boolean(boolean)
            } else if let integer = try? container.decode(Int.self) {
                value = .integer(integer)
            } else if let number = try? container.decode(Double.self) {
                value = .number(number)
            } else if let string = try? container.decode(String.self) {
                value = .string(string)
            } else if let array = try? container.decode([Parsed].self) {
                value = .array(array.map(\.value))
            } else {
                value = .object(try container.decode([String: Parsed].self).mapValues(\.value))
            }
        }
    }

    init(parsing text: String) throws { self = try JSONDecoder().decode(Parsed.self, from: Data(text.utf8)).value }

    /// A setting as an editor's YAML reader sees it: plain scalars that look like numbers are numbers.
    init(_ setting: Setting) {
        switch setting.value {
        case .null: self = .null
        case .list(let elements): self = .array(elements.map { JSON($0) })
        case .map(let entries): self = .object(Dictionary(entries.map { ($0.key, JSON($0.value)) }) { $1 })
        case .scalar("true"): self = .boolean(true)
        case .scalar("false"): self = .boolean(false)
        case .scalar(let text):
            self = Int(text).map(JSON.integer) ?? Double(text).map(JSON.number) ?? .string(text)
        }
    }

    /// The document in a YAML file.
    init(yaml file: String) throws { self.init(try YAMLReader.read(file: file)) }

    var members: [String: JSON] { if case .object(let members) = self { members } else { [:] } }
    var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }
    subscript(_ name: String) -> JSON? { members[name] }

    fileprivate var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The names that JSON Schema has for the value's type.
    fileprivate var types: [String] {
        switch self {
        case .null: ["null"]
        case .boolean: ["boolean"]
        case .integer: ["integer", "number"]
        case .number: ["number"]
        case .string: ["string"]
        case .array: ["array"]
        case .object: ["object"]
        }
    }
}
