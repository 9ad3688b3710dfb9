// SPDX-License-Identifier: Apache-2.0

/// Something that reads what people and other programs write, and must take anything whatever.
public struct TextFuzzer: Sendable, CustomStringConvertible {
    public let name: String
    /// Throws `FuzzFailure` for what must not be; an input that is refused is no failure.
    public let attempt: @Sendable (_ input: [UInt8]) async throws -> Void
    private let mutator: @Sendable () -> TextMutator

    public var description: String { name }

    public static let all: [TextFuzzer] = [
        .configuration, .running, .command, .protocol, .dissection, .headers, .routes, .filter, .capture,
    ]

    init(
        _ name: String, _ mutator: @escaping @Sendable () -> TextMutator,
        attempt: @escaping @Sendable (_ input: [UInt8]) async throws -> Void
    ) {
        self.name = name
        self.mutator = mutator
        self.attempt = attempt
    }

    /// Tries `count` inputs, from the one numbered `first` on.
    public func run(
        seed: UInt64, from first: UInt64 = 0, count: UInt64, progress: (UInt64) -> Void = { _ in }
    ) async throws {
        let mutator = mutator()
        for number in first..<first + count {
            progress(number)
            var random = FuzzRandom(seed: seed, number: number)
            do {
                try await attempt(mutator.make(&random))
            } catch let failure as FuzzFailure {
                throw FuzzFailure("\(name), input \(number): \(failure)")
            }
        }
    }

    /// The input of that number.
    public func input(seed: UInt64, number: UInt64) -> [UInt8] {
        var random = FuzzRandom(seed: seed, number: number)
        return mutator().make(&random)
    }
}
