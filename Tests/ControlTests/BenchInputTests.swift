// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Control

@Suite("Bench: inputs")
struct BenchInputTests {
    /// SHA-256 of what `Tools/bench-inputs` writes.
    private static let sums = [
        "ip4-one.pcap": "ef61a14c47b69b7e885628db12c3c182ae56267df870e55e53c738779c39911e",
        "ip4-one.routes": "14930de68ef0ea96651972982dd2e44c66da54dacca0308d4c3575143cdc1b41",
        "ip4-1k.pcap": "c6dac43385909fd928970c509422f08e03c99ceba161378da91fab2a8e25f09a",
        "ip4-1k.routes": "661bf4f41905a81f13aba2145c42579835dc3015805ea9c5681f5c50945623fc",
        "ip4-500k.pcap": "a1580b7d8bbd1a60819763ea25cdf499330e1e470f74c111b18178289419dc5d",
        "ip4-500k.routes": "ce47eb445ad08740ffbe333aa957ef652ecedc53073567a4a69da45a515dc9d3",
        "ip4-bgp.pcap": "d241397515a237ed85ea4ecc4a653484ef7637b6178e2491814485f77bc6c1dd",
        "ip4-bgp.routes": "23e4e52389df0844269bd4a22a8fd8383ab268e124c932ec14efafb5cbfa7d5a",
        "ip4-1m.pcap": "35f468a65c1b63e965614838536acb6d9791bfa8b6ad5c6f12a920b6de38f459",
        "ip4-1m.routes": "43d11b2cc6ad51259f694ea9eac44735737256d69124c9b57e17aceed586706c",
        "ip6-one.pcap": "41839e8267f20ae2492f0ad1b9e6fe90cb23bccd26ff022f3c37de9bf8e044b0",
        "ip6-one.routes": "4629237c2c206c8b0db0e7426326c8d6e829cc0df3b0496760f1a7d64e9a2aa2",
        "ip6-200k.pcap": "789a1f58ecd5eacaa40a216bb78c2a049d32744d6a307592322acf459fdacb5c",
        "ip6-200k.routes": "a00275d0725a9f9c559ad711a5bb11ac5d9847addd1e3b157338e175a8ad77e5",
        "ip6-bgp.pcap": "99375c50466bf6faf4c2950aed873ec566cd1a5086121dcb63f620e8215bfe10",
        "ip6-bgp.routes": "e2072c7247f32c00710141fe0e365c4d24b72bd9c58c0384427b454bde0a4b3c",
        "mpls.pcap": "7a3b867277eaff9923f5072eb3c04c5084a765514599d7698ef686d9a84d5d44",
        "mpls.routes": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "dot1q.pcap": "ebd8127a989c755a5febf3de09f57443eee3f7398de4f258725b6b6b199632af",
        "dot1q.routes": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "dot1q-4094.pcap": "9e94b5cfea8d0944a9b63801b9464b4150a92f3dafae3c62f2c0a1abc8d1af21",
        "dot1q-4094.routes": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "qinq.pcap": "d5719398b37c78c489d4bbffeff888c7c688056b55d13f716dd79f81676eafc2",
        "qinq.routes": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "qinq-64k.pcap": "75b23bb355b4c4cc2813d484d2d19ef3bbc820571464b682bfd2b8aea68aff3b",
        "qinq-64k.routes": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "bridge.pcap": "52c6d56af91630ebb616a9d73496716d9b3427c07750328aaf40f7cb83062dd5",
        "bridge.routes": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "bridge-million.pcap": "7e997e5af74b927ecb4be1f5853e8aa85af7edd79b47a47cef8fa2766e15f61a",
        "bridge-million.routes": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ]

    @Test(arguments: BenchInput.all.map(\.name))
    func `the inputs are those of the tool, byte for byte`(name: String) throws {
        let input = try #require(BenchInput.all.first { $0.name == name })
        try BenchLab.withDirectory { directory in
            try input.write(to: directory)
            for file in ["\(name).pcap", "\(name).routes"] {
                let sum = try BenchLab.output("sha256sum", directory.appending(path: file).path)
                #expect(String(sum.prefix(64)) == BenchInputTests.sums[file])
            }
        }
    }

    @Test(.enabled(if: BenchLab.hasPython, "there is no python3, in which the tool is written"))
    func `the tool writes what its sums say`() throws {
        try BenchLab.withDirectory { directory in
            let tool = BenchLab.repository.appending(path: "Tools/bench-inputs").path
            _ = try BenchLab.output("python3", tool, directory.path, "ip4-one", "ip4-1k", "ip6-one", "qinq-64k")
            for file in ["ip4-one", "ip4-1k", "ip6-one", "qinq-64k"].flatMap({ ["\($0).pcap", "\($0).routes"] }) {
                let sum = try BenchLab.output("sha256sum", directory.appending(path: file).path)
                #expect(String(sum.prefix(64)) == BenchInputTests.sums[file])
            }
        }
    }

    @Test func `inputs that are there stay as they are`() throws {
        try BenchLab.withDirectory { directory in
            for file in ["ip4-one.pcap", "ip4-one.routes"] {
                try Data("mine".utf8).write(to: directory.appending(path: file))
            }
            try BenchInput.one.write(to: directory)
            #expect(try Data(contentsOf: directory.appending(path: "ip4-one.pcap")) == Data("mine".utf8))
        }
    }

    @Test func `random numbers are Python's`() {
        // python3 -c "import random; random.seed('ip4-one'); print([random.getrandbits(32) for _ in range(3)])"
        let digest =
            "f599f5700ab37438d9dbcf4c735ab34b2ba12dd86113926e5fb0ce9e8172cdd9"
            + "20fd9a0e819708778a247a84ca7b1c6c1cc4d1ff752ad32feb2ce89f7bcf69fe"
        var random = PythonRandom(seed: "ip4-one", digest: digest)
        #expect((0..<3).map { _ in random.bits(32) } == [2_467_003_409, 1_259_698_210, 626_093_737])
        // print([random.randrange(1000) for _ in range(3)])
        #expect((0..<3).map { _ in random.below(1000) } == [9, 184, 316])
        // print(random.getrandbits(100))
        #expect(random.wideBits(100) == 705815469515855653575502835206)
    }
}

/// What the bench's tests share.
enum BenchLab {
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let hasPython = (try? output("python3", "--version")) != nil

    /// A directory of its own for `body`, removed afterwards.
    static func withDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try body(directory)
    }

    /// What a command prints; throws when it fails.
    static func output(_ words: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        struct Failed: Error {
            let words: [String]
        }
        guard process.terminationStatus == 0 else { throw Failed(words: words) }
        return String(decoding: data, as: UTF8.self)
    }
}
