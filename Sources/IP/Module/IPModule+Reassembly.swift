// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `reassembly:` and the nodes that put fragments to the router together, or cut what it says itself.
extension IPModule {
    /// RFC 8200 has 60 seconds, RFC 1122 60 to 120; fragments that are still to come after 30 do not.
    nonisolated static let reassemblyTimeout = Duration.seconds(30)

    private static let reassemblySchema = Schema.object(
        [
            .key(
                "timeout", .duration,
                "How long the fragments of a datagram are waited for, 100ms to 120s; 30s if absent")
        ],
        doc: "Datagrams to the router that come in fragments; put together they must fit into one buffer "
            + "(`buffers: size`, less 256 bytes)")

    func addReassembly(_ registry: Registry) {
        let store = ReassemblyStore(workerCount: engine.workers.count, pool: engine.pool)
        reassembly = store
        let (tables, settings) = (fib.readers, reassemblySettings.reader)
        registry.add(
            NodeDescriptor(IP4Reassembly.self) { seat in
                IP4Reassembly(seat, tables: tables, store: store, settings: settings)
            })
        registry.add(
            NodeDescriptor(IP6Reassembly.self) { seat in
                IP6Reassembly(seat, tables: tables, store: store, settings: settings)
            })
        let key = UInt32.random(in: .min ... .max)
        registry.add(NodeDescriptor(IP6Fragment.self) { seat in IP6Fragment(seat, key: key) })
        registry.add(reassemblySection)
        registry.add(showReassembly)
    }

    private var reassemblySection: Section {
        Section("reassembly", IPModule.reassemblySchema) { [unowned self] setting throws(ConfigurationErrors) in
            let timeout = try ConfigurationErrors.collecting { (_) throws(ConfigurationError) in
                try setting["timeout"]?.duration(in: .milliseconds(100) ... .seconds(120))
            }
            return { [unowned self] in setReassemblyTimeout(timeout ?? IPModule.reassemblyTimeout) }
        }
    }

    /// How long fragments to the router are waited for.
    public func setReassemblyTimeout(_ timeout: Duration) {
        reassemblySettings.set(ReassemblySettings(timeout: timeout), on: engine)
    }

    /// Buffers that fragments to the router wait in for others.
    public var buffersInReassembly: Int {
        AddressFamily.allCases.reduce(0) { $0 + Int(reassemblyCounts($1).held) }
    }

    /// What `ip4-reassembly` or `ip6-reassembly` did on all workers.
    public func reassemblyCounts(_ family: AddressFamily) -> ReassemblyCounts { reassembly.total(family) }

    private var showReassembly: Command {
        Command(["show", "reassembly"], "Datagrams to the router that come in fragments") { [unowned self] _ in
            ReassemblyReport(
                families: AddressFamily.allCases.map { family in
                    ReassemblyReport.Row(
                        family: family, reassemblyCounts(family), limit: reassembly.capacity * engine.workers.count)
                }, longestBytes: engine.pool.capacity,
                timeoutSeconds: Clock.seconds(reassemblySettings.value.timeout))
        }
    }
}

extension ReassemblySettings {
    init(timeout: Duration) {
        self.timeout = Clock.ticks(milliseconds: timeout / .milliseconds(1))
    }
}

/// `show reassembly`.
struct ReassemblyReport: Report {
    struct Row: Encodable, Sendable {
        let family: String
        /// Datagrams of which fragments are missing, each in a buffer, and how many there may be.
        let held: UInt64
        let limit: Int
        /// Since the start.
        let datagrams: UInt64
        let whole: UInt64
        let fragments: UInt64
        let overlaps: UInt64

        init(family: AddressFamily, _ counts: ReassemblyCounts, limit: Int) {
            self.family = "\(family)"
            self.limit = limit
            held = counts.held
            datagrams = counts.begun
            whole = counts.whole
            fragments = counts.taken
            overlaps = counts.overlaps
        }
    }

    let families: [Row]
    /// The longest packet that can be put together.
    let longestBytes: Int
    let timeoutSeconds: Double

    var body: [TextBlock] {
        let rows = families.map { row in
            let numbers = [row.held, UInt64(row.limit), row.datagrams, row.whole, row.fragments, row.overlaps]
            return [row.family] + numbers.map { "\($0)" }
        }
        return [
            .table(
                [
                    "Family", .right("Held"), .right("Limit"), .right("Datagrams"), .right("Whole"),
                    .right("Fragments"), .right("Overlaps"),
                ], rows),
            .facts([
                .init("longest packet", "\(longestBytes) bytes"), .init("timeout", "\(timeoutSeconds.fixed(1)) s"),
            ]),
        ]
    }
}
