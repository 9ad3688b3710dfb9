// SPDX-License-Identifier: Apache-2.0

/// What was given to a command, by the names in its declaration.
public struct CommandArguments: Sendable, Equatable {
    public private(set) var values: [String: String] = [:]
    public private(set) var flags: Set<String> = []
    /// The words of the command's `rest` parameter.
    public private(set) var rest: [String] = []

    public init() {}

    /// The value of an argument or option, or nil when it was not given.
    public subscript(_ name: String) -> String? {
        get { values[name] }
        set { values[name] = newValue }
    }

    public func has(flag: String) -> Bool { flags.contains(flag) }

    /// The value of a required argument. (The grammar has already refused a command without it.)
    public func required(_ name: String) throws(CommandError) -> String {
        if let value = values[name] { return value }
        throw .usage("'\(name)' is missing")
    }

    /// A whole number within `range`, or nil when it was not given.
    public func integer(_ name: String, in range: ClosedRange<Int> = Int.min...Int.max) throws(CommandError) -> Int? {
        guard let text = values[name] else { return nil }
        if let number = Setting.integer(text), range.contains(number) { return number }
        throw .usage("'\(text)' does not do for '\(name)'", Setting.remedy(range))
    }

    /// One of the words of an enumeration, or nil when it was not given.
    public func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ name: String, of type: Choice.Type = Choice.self
    ) throws(CommandError) -> Choice? {
        guard let text = values[name] else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        throw .usage(
            "'\(text)' does not do for '\(name)'", "give \(Setting.alternatives(Choice.allCases.map(\.rawValue)))")
    }

    /// A text that `parse` understands, or nil when it was not given.
    public func value<Parsed>(
        _ name: String, _ format: String, example: String, _ parse: (String) -> Parsed?
    ) throws(CommandError) -> Parsed? {
        guard let text = values[name] else { return nil }
        if let parsed = parse(text) { return parsed }
        throw .usage("'\(text)' is not \(format)", "give one like \(example)")
    }

    mutating func insert(flag: String) {
        flags.insert(flag)
    }

    mutating func append(rest word: String) {
        rest.append(word)
    }
}
