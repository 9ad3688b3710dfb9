// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The dispatch path neither allocates nor counts references: as counted by `allocation-probe`, on a worker's own thread.
///
/// A dispatch loop may cost what it likes, once; a packet must cost nothing. So loops with 256 packets must have counted
/// exactly what loops with one packet have. Only of optimised code can more be said: with MARTLET set to the release
/// build's program, the probe beside it is taken; otherwise that of this build.
@Suite("Allocations and reference counts", .serialized)
struct AllocationTests {
    struct Stretch: Decodable {
        let packets: UInt64
        let allocations: UInt64
        let retains: UInt64
        let releases: UInt64
    }

    struct Account: Decodable {
        let graph: String
        let isOptimised: Bool
        let loops: UInt64
        let single: Stretch
        let full: Stretch
        let lostBuffers: Int
    }

    private static var probe: URL {
        let program = ProcessInfo.processInfo.environment["MARTLET"] ?? "/proc/self/exe"
        let directory = URL(filePath: program).resolvingSymlinksInPath().deletingLastPathComponent()
        return directory.appending(path: "allocation-probe")
    }

    private static let accounts: [Account] = {
        let process = Process()
        let output = Pipe()
        process.executableURL = probe
        process.standardOutput = output
        guard (try? process.run()) != nil, let data = try? output.fileHandleForReading.readToEnd() else { return [] }
        process.waitUntilExit()
        return (try? JSONDecoder().decode([Account].self, from: data)) ?? []
    }()

    private func account(_ graph: String) throws -> Account {
        try #require(Self.accounts.first { $0.graph == graph }, "\(Self.probe.path()) gave no account of \(graph)")
    }

    @Test(
        "no allocation for a packet, and in optimised code none at all",
        arguments: ["ip4", "ip6", "reassembly", "empty"])
    func allocations(graph: String) throws {
        let account = try account(graph)
        #expect(account.single.packets == account.loops)
        #expect(account.full.packets == account.loops * 256)
        #expect(account.full.allocations == account.single.allocations)
        if account.isOptimised { #expect(account.full.allocations == 0) }
        #expect(account.lostBuffers == 0)
    }

    @Test("no reference is counted for a packet", arguments: ["ip4", "ip6", "reassembly", "empty"])
    func references(graph: String) throws {
        let account = try account(graph)
        guard account.isOptimised else { return }
        #expect(account.full.retains == account.single.retains)
        #expect(account.full.releases == account.single.releases)
        // And what a loop costs is small: it does not hide a count for each frame.
        #expect(account.full.retains <= account.loops * 8)
    }

    @Test("what a careless node does for each packet is seen")
    func careless() throws {
        let account = try account("careless")
        #expect(account.full.allocations >= account.full.packets)
        #expect(account.full.retains >= account.full.packets)
        #expect(account.full.releases >= account.full.packets)
        #expect(account.single.allocations >= account.single.packets)
    }
}
