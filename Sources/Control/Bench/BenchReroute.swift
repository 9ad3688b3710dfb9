// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Wire

/// Failures of a next hop with more and more prefixes behind it, under traffic, in a running engine: the time from the
/// failure to the first packet on the backup, and the packets lost on the way.
///
/// The failure is the loss of carrier of the interface `out0`, given to the router as the netlink reader would.
@ControlPlane
struct BenchReroute {
    private let router: Router
    private let ip: IPModule
    private let out: Interface
    private let nextHop: AdjacencyIndex
    private var prefixes = 1

    nonisolated static let counts = [10, 1000, 100_000, 1_000_000]
    /// Failures with each number of prefixes.
    nonisolated static let failures = 25
    nonisolated static let nextHop = IPv4Address(192, 168, 16, 2)

    static func run(_ path: String) async throws -> BenchRun {
        let router = try Router(file: path)
        try await router.start()
        do {
            var bench = try BenchReroute(router)
            var figures: [BenchFigure] = []
            for count in counts { figures += try await bench.measure(count) }
            router.engine.stop()
            return BenchRun(figures: figures, notes: ["\(failures) failures with each number of prefixes"])
        } catch {
            router.engine.stop()
            throw error
        }
    }

    private init(_ router: Router) throws(CommandError) {
        let address = IPAddress.v4(BenchReroute.nextHop)
        guard let ip = router.registry.module(IPModule.self), let out = router.engine.interface(named: "out0"),
            let index = ip.fib.adjacencies.existing(NeighborKey(interface: out.index, address: address))
        else { throw .failed("the graph has no next hop \(address) on out0") }
        self.router = router
        self.ip = ip
        self.out = out
        nextHop = index
    }

    private var engine: Engine { router.engine }

    /// The worst matters as much as the median: an outage is one failure's.
    private mutating func measure(_ count: Int) async throws -> [BenchFigure] {
        try load(count)
        var times: [Double] = []
        var lost: [Double] = []
        for number in 0..<BenchReroute.failures {
            // Not always at the same point of the generator's rhythm.
            try await Task.sleep(for: .microseconds(20_000 + number * 137))
            let (time, packets) = try await fail()
            times.append(time)
            lost.append(packets)
        }
        let name = "\(count) prefixes"
        return [
            BenchFigure(name, times.median, .microseconds),
            BenchFigure("\(name), worst", times.max() ?? .nan, .microseconds),
            BenchFigure("\(name), lost", lost.reduce(0, +) / Double(lost.count), .packets),
        ]
    }

    /// Routes for the /28s of 20.0.0.0/8 from its end, so that the traffic to all of it has `count` prefixes to take.
    private mutating func load(_ count: Int) throws {
        let list = try ip.fib.pathLists.acquire([.neighbor(.v4(BenchReroute.nextHop), on: out)])
        defer { ip.fib.pathLists.release(list.index) }
        try ip.fib.batch { () throws(RouteError) in
            for number in prefixes..<count {
                let address = IPv4Address((21 << 24) - UInt32(number) << 4)
                try ip.fib.setRoute(.v4(IPv4Prefix(address, length: 28)), list)
            }
        }
        prefixes = count
    }

    /// One failure. Returns microseconds until the first packet on the backup, and packets lost.
    private func fail() async throws -> (time: Double, lost: Double) {
        let adjacencies = ip.fib.adjacencies.table
        let before = dropped
        let begin = Clock.now
        out.isLinkUp = false
        let limit = begin &+ Clock.ticks(milliseconds: 1000)
        while adjacencies[nextHop].firstOnBackup == 0 {
            guard Clock.now < limit else { throw CommandError.failed("no packet took the backup within a second") }
            await Task.yield()
        }
        let first = adjacencies[nextHop].firstOnBackup
        try await Task.sleep(for: .milliseconds(2))
        let lost = dropped - before
        out.isLinkUp = true
        while adjacencies[nextHop].status.isDown || adjacencies[nextHop].firstOnBackup != 0 {
            try await Task.sleep(for: .milliseconds(1))
        }
        return (first > begin ? Clock.seconds(first - begin) * 1e6 : 0, Double(lost))
    }

    private var dropped: UInt64 { engine.dropSamples().reduce(0) { $0 + $1.count } }
}
