// SPDX-License-Identifier: Apache-2.0
import Control
import Fuzzing
import Glibc
import Graph

/// The long runs of Tools/fuzz; the short ones of the tests are in Tests/FuzzTests.
@main
struct Fuzz {
    private static let usage = """
        usage: martlet-fuzz KIND [--graph NAME] [--count N] [--seed N] [--from N] [--exact]
                            [--save FILE]

          KIND          packets, or one of: \(TextFuzzer.all.map(\.name).joined(separator: ", "));
                        overread: commits a mistake that AddressSanitizer must find
          --graph NAME  of packets: the router they go through, \(FuzzGraph.all.map(\.name).joined(separator: " or "))
          --count N     inputs; packets come in batches of 256
          --seed N      makes other inputs; the same seed makes the same ones
          --from N      the number of the first input, of packets that of the first batch
          --exact       each packet in memory of its own, for AddressSanitizer
          --save FILE   writes the first input to FILE and does nothing else

        """

    private var kind = ""
    private var count: UInt64 = 1_000_000
    private var seed: UInt64 = 1
    private var first: UInt64 = 0
    private var isExact = false
    private var graph = FuzzGraph.plain
    private var save: String?

    static func main() async {
        StandardErrorLog.silence()
        let fuzz = Fuzz(CommandLine.arguments.dropFirst())
        do {
            try await fuzz.run()
        } catch {
            fail("failed: \(error)\nby: \(fuzz.command)\n", 1)
        }
    }

    private init(_ words: ArraySlice<String>) {
        var words = words
        while let word = words.popFirst() {
            switch word {
            case "--count": count = Fuzz.number(word, words.popFirst())
            case "--seed": seed = Fuzz.number(word, words.popFirst())
            case "--from": first = Fuzz.number(word, words.popFirst())
            case "--exact": isExact = true
            case "--graph": graph = Fuzz.graph(words.popFirst())
            case "--save": save = words.popFirst()
            case _ where kind.isEmpty && !word.hasPrefix("-"): kind = word
            default: Fuzz.fail("what is '\(word)'?\n\(Fuzz.usage)", 64)
            }
        }
    }

    private static func number(_ name: String, _ word: String?) -> UInt64 {
        guard let number = word.flatMap({ UInt64($0) }) else { fail("\(name) wants a number\n\(usage)", 64) }
        return number
    }

    private static func graph(_ word: String?) -> FuzzGraph {
        guard let graph = FuzzGraph.all.first(where: { $0.name == word }) else {
            fail("there is no graph '\(word ?? "")'\n\(usage)", 64)
        }
        return graph
    }

    private static func fail(_ text: String, _ code: Int32) -> Never {
        _ = Array(text.utf8).withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
        exit(code)
    }

    /// What makes the same inputs again, but for the number to begin with.
    private var command: String {
        let router = kind == "packets" ? " --graph \(graph.name)" : ""
        return "martlet-fuzz \(kind)\(router) --seed \(seed)\(isExact ? " --exact" : "")"
    }

    private func run() async throws {
        CrashNote.install(command)
        let began = ContinuousClock.now
        if kind == "packets" {
            try await runPackets()
        } else if let fuzzer = TextFuzzer.all.first(where: { $0.name == kind }) {
            if let save { return try Fuzz.write(fuzzer.input(seed: seed, number: first), to: save) }
            try await fuzzer.run(seed: seed, from: first, count: count, progress: CrashNote.set)
        } else if kind == "overread" {
            return print("nothing found the mistake; read:\n\(Overread.commit())")
        } else {
            Fuzz.fail(Fuzz.usage, 64)
        }
        CrashNote.finish()
        if save != nil { return }
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        print("\(kind): \(count) inputs, no complaint; \(Int(seconds)) s, \(Int(Double(count) / seconds)) a second")
    }

    @ControlPlane
    private func runPackets() throws {
        let fuzzer = try PacketFuzzer(graph, seed: seed, isExact: isExact)
        // One frame a line, as `hex` packets in Tests/Cases and Tests/FuzzTests/Corpus/packets have them.
        if let save { return try Fuzz.write(Array(fuzzer.text(first).utf8), to: save) }
        try fuzzer.run(from: first, count: count, progress: CrashNote.set)
        for (reason, count) in fuzzer.drops.sorted(by: { $0.key < $1.key }) { print("  \(reason) \(count)") }
        print("  sent \(fuzzer.sentCount)")
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        guard let file = fopen(path, "w"), fwrite(bytes, 1, bytes.count, file) == bytes.count, fclose(file) == 0 else {
            fail("\(path) cannot be written: \(String(cString: strerror(errno)))\n", 1)
        }
    }
}
