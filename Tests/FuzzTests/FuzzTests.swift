// SPDX-License-Identifier: Apache-2.0
import Control
import Fuzzing
import Graph
import Testing

/// Short runs of the fuzzers, and all inputs that once did harm. Tools/fuzz makes the long runs.
@Suite("Fuzz")
struct FuzzTests {
    private static let seed: UInt64 = 20_260_101

    @Test(arguments: FuzzGraph.all)
    @ControlPlane
    func packets(graph: FuzzGraph) throws {
        let fuzzer = try PacketFuzzer(graph, seed: FuzzTests.seed)
        try fuzzer.run(count: 100_000)
        #expect(fuzzer.sentCount > 1000)
        // It comes to where drops are decided: few are never reached.
        #expect(fuzzer.drops.count >= 70)
        #expect(fuzzer.drops.keys.filter { $0.hasPrefix("ip6-") || $0.hasPrefix("nd-") }.count >= 30)
    }

    /// Packets in memory of their own, as with AddressSanitizer.
    @Test(arguments: FuzzGraph.all)
    @ControlPlane
    func exactPackets(graph: FuzzGraph) throws {
        try PacketFuzzer(graph, seed: FuzzTests.seed, isExact: true).run(count: 25_600)
    }

    @Test(arguments: FuzzFiles.contents(of: "Tests/FuzzTests/Corpus/packets").map(\.name))
    @ControlPlane
    func packetsThatDidHarm(name: String) throws {
        let file = FuzzFiles.contents(of: "Tests/FuzzTests/Corpus/packets", ending: name)
        for graph in FuzzGraph.all {
            try PacketFuzzer(graph, seed: 1).run(PacketFuzzer.frames(String(decoding: file[0].bytes, as: UTF8.self)))
        }
    }

    @Test(arguments: TextFuzzer.all)
    func text(fuzzer: TextFuzzer) async throws {
        let count: UInt64 =
            ["configuration": 150, "running": 150, "protocol": 60, "dissection": 20000, "headers": 20000][fuzzer.name]
            ?? 2000
        try await fuzzer.run(seed: FuzzTests.seed, count: count)
    }

    @Test(arguments: TextFuzzer.all)
    func textThatDidHarm(fuzzer: TextFuzzer) async throws {
        for file in FuzzFiles.contents(of: "Tests/FuzzTests/Corpus/\(fuzzer.name)") {
            try await fuzzer.attempt(file.bytes)
        }
    }
}
