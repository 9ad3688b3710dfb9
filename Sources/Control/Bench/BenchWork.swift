// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Foundation
import Graph
import IP
import Wire

/// The cores that a run uses.
struct BenchCores {
    /// The worker's: the last allowed one, as for a router.
    let worker: Int
    /// The other end's: the first allowed one.
    let sender: Int

    init() {
        let mask = CMartletLinux_allowedCores()
        let allowed = (0..<64).filter { mask >> $0 & 1 == 1 }
        worker = allowed.last ?? 0
        sender = allowed.first ?? 0
    }
}

extension BenchCase {
    /// Does one run, in the calling process: nothing of it is left over for the next.
    ///
    /// - Parameter directory: With the inputs; also the process's working directory, but for a user's file.
    func run(in directory: URL) async throws -> BenchRun {
        let file = graph(in: directory).path
        switch work {
        case .graph: return try await BenchCase.runGraph(file)
        case .load: return try await BenchCase.loadRoutes(file)
        case .churn: return try await BenchCase.churnRoutes(file)
        case .loadUnderTraffic: return try await BenchRouteTraffic.run(file)
        case .start: return try BenchCase.startRouter(file)
        case .stations: return try await BenchStations.run(file)
        case .reroute: return try await BenchReroute.run(file)
        case .endToEnd(nil): return try BenchXDP(graph: file).run()
        case .endToEnd(let vlan?): return try BenchXDP(vlan: vlan, graph: file).run()
        }
    }

    @ControlPlane
    private static func runGraph(_ path: String) throws -> BenchRun {
        let router = try Router(file: path)
        try router.prepare()
        _ = CMartletLinux_pinThisThread(Int32(BenchCores().worker))
        return try BenchMeasurement().measure(router.engine)
    }

    /// The time that the file takes from its first byte to the last route in force, and the memory that it leaves in use.
    @ControlPlane
    private static func loadRoutes(_ path: String) throws -> BenchRun {
        let router = try Router(file: path)
        let before = BenchMemory.now
        let begin = Clock.monotonicNanoseconds
        try router.prepare()
        let seconds = seconds(since: begin)
        let after = BenchMemory.now
        return BenchRun(figures: [
            BenchFigure("load", seconds, .seconds), BenchFigure("memory", after - before, .mebibytes),
            BenchFigure("process", after, .mebibytes),
        ])
    }

    /// Takes routes of each family out, in random order, and puts each back at once: two changes.
    @ControlPlane
    private static func churnRoutes(_ path: String) throws -> BenchRun {
        let router = try Router(file: path)
        try router.prepare()
        return BenchRun(figures: try churn(router))
    }

    /// Changes per second of each family.
    @ControlPlane
    static func churn(_ router: Router) throws -> [BenchFigure] {
        guard let fib = router.registry.module(IPModule.self)?.fib else { return [] }
        return [
            BenchFigure("IPv4", try churn(fib, fib.main.ip4) { .v4($0) }, .perSecond),
            BenchFigure("IPv6", try churn(fib, fib.main.ip6) { .v6($0) }, .perSecond),
        ]
    }

    @ControlPlane
    private static func churn<Prefix: RoutePrefix>(
        _ fib: FIB, _ rib: RIB<Prefix>, _ family: (Prefix) -> IPPrefix
    ) throws -> Double {
        var routes: [(prefix: IPPrefix, list: PathList)] = []
        for entry in rib.entries(limit: .max) {
            guard entry.source == .static, let list = fib.pathLists[entry.list] else { continue }
            routes.append((family(entry.prefix), list))
        }
        // The same ones in each run.
        var random = PythonRandom(seed: "churn", digest: "")
        let changed = (0..<min(routes.count, 200_000)).map { place in
            let other = place + Int(random.below(UInt32(routes.count - place)))
            routes.swapAt(place, other)
            return routes[place]
        }
        let begin = Clock.monotonicNanoseconds
        for route in changed {
            fib.removeRoute(route.prefix)
            try fib.setRoute(route.prefix, route.list)
        }
        return Double(changed.count) * 2 / seconds(since: begin)
    }

    /// The time from the program's start to its first packet sent.
    private static func startRouter(_ path: String) throws -> BenchRun {
        let begin = Clock.monotonicNanoseconds
        let child = try BenchChild(["--forward", path])
        defer { child.finish() }
        while let line = child.readLine() {
            guard line == BenchForward.forwarding else { continue }
            return BenchRun(figures: [BenchFigure("start", seconds(since: begin), .seconds)])
        }
        throw CommandError.failed("the router ended before it forwarded a packet")
    }

    static func seconds(since begin: UInt64) -> Double { Double(Clock.monotonicNanoseconds - begin) * 1e-9 }
}
