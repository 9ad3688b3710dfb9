// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph
import Synchronization

// Lets packets pass through a graph on a worker's thread and counts what the thread allocates, retains and releases in its
// dispatch loops, once with one packet in each loop and once with 256. Prints one JSON document; the tests judge it.

struct Account: Encodable {
    let graph: String
    /// Without optimisation, counting references says nothing.
    let isOptimised: Bool
    let loops: Int
    let single: Stretch
    let full: Stretch
    /// Buffers that did not come back.
    let lostBuffers: Int
}

@ControlPlane
func account(_ graph: ProbedGraph) async throws -> Account {
    let tally = Tally()
    let registry = try graph.build(tally)
    let engine = registry.engine
    engine.start()
    while !tally.isDone.load(ordering: .acquiring) { try await Task.sleep(for: .milliseconds(1)) }
    engine.stop()
    let books = tally.books.pointee
    return Account(
        graph: graph.rawValue, isOptimised: !_isDebugAssertConfiguration(), loops: Tally.stretch, single: books.single,
        full: books.full, lostBuffers: engine.buffersInUse)
}

var accounts: [Account] = []
for graph in ProbedGraph.allCases { accounts.append(try await account(graph)) }
let encoder = JSONEncoder()
encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
print(String(decoding: try encoder.encode(accounts), as: UTF8.self))
