// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Testing
import Wire

@testable import IP

/// Routes alone: a FIB with interfaces that have no device, and the workers' view of it.
///
///     lan 10.0.0.0/24, wan 10.1.0.0/24, dmz 10.2.0.0/24 and fd00:2::/64, all connected
@ControlPlane
final class RouteLab {
    let engine: Engine
    let fib: FIB
    let lan: Interface
    let wan: Interface
    let dmz: Interface

    init(log: Logger = Logger(label: "martlet")) throws {
        var options = Engine.Options()
        options.bufferCount = 512
        engine = try Engine(options, log: log)
        fib = try FIB(engine: engine)
        var made: [Interface] = []
        for name in ["lan", "wan", "dmz"] {
            let interface = engine.createInterface(name, kind: "test")
            interface.isLinkUp = true
            fib.watch(interface)
            made.append(interface)
        }
        (lan, wan, dmz) = (made[0], made[1], made[2])
        for (network, interface) in [
            ("10.0.0.0/24", lan), ("10.1.0.0/24", wan), ("10.2.0.0/24", dmz), ("fd00:2::/64", dmz),
        ] {
            try fib.setRoute(IPPrefix(network)!, [Path(.glean(interface.index))], from: .connected)
        }
    }

    // MARK: - Paths

    func neighbor(_ text: String) -> Path {
        let address = IPAddress(text)!
        let networks = [("10.0.0.0/24", lan), ("10.1.0.0/24", wan), ("10.2.0.0/24", dmz), ("fd00:2::/64", dmz)]
        return .neighbor(address, on: networks.first { IPPrefix($0.0)!.contains(address) }!.1)
    }

    func via(_ text: String, in table: VRF? = nil) -> Path {
        .recursive(IPAddress(text)!, in: (table ?? fib.main).index)
    }

    func adjacency(_ text: String) -> AdjacencyIndex {
        guard case .neighbor(let address, let interface) = neighbor(text).target else { return 0 }
        return fib.adjacencies.existing(NeighborKey(interface: interface, address: address)) ?? 0
    }

    // MARK: - Changing

    func set(
        _ prefix: String, _ paths: Path..., from source: RouteSource = .static, in table: VRF? = nil,
        isCounted: Bool = false
    ) throws(RouteError) {
        try fib.setRoute(RouteLab.prefix(prefix), paths, from: source, in: table, isCounted: isCounted)
    }

    /// The prefix that contains the address of the text.
    private static func prefix(_ text: String) -> IPPrefix {
        let parts = text.split(separator: "/")
        return IPPrefix(IPAddress(String(parts[0]))!, length: Int(parts[1])!)
    }

    @discardableResult
    func remove(_ prefix: String, from source: RouteSource = .static, in table: VRF? = nil) -> Bool {
        fib.removeRoute(RouteLab.prefix(prefix), from: source, in: table)
    }

    func fail(_ neighbor: String, _ isDown: Bool = true) {
        fib.adjacencies.setFailure(.neighbor, isDown, adjacency(neighbor))
    }

    // MARK: - What workers do

    /// What the lookup table says about an address.
    func lookup(_ text: String, in table: VRF? = nil) -> Forwarding {
        let reader = fib.readers[(table ?? fib.main).index.rawValue]
        return switch IPAddress(text)! {
        case .v4(let address): Forwarding(rawValue: reader.ip4.lookup(address.value))
        case .v6(let address): Forwarding(rawValue: reader.ip6.lookup(high: address.high, low: address.low))
        }
    }

    /// Where packets to an address go, with the number of buckets that send them there: ["10.0.0.2": 16].
    func ways(_ text: String, in table: VRF? = nil, depth: Int = 0) -> [String: Int] {
        ways(lookup(text, in: table), text, depth)
    }

    private func ways(_ result: Forwarding, _ text: String, _ depth: Int) -> [String: Int] {
        if depth > Balancer.depth { return ["loop": 1] }
        switch result.kind {
        case .loadBalance:
            var sum: [String: Int] = [:]
            for bucket in fib.pathLists.loadBalances.results(of: result.index) {
                for (way, count) in ways(bucket, text, depth + 1) { sum[way, default: 0] += count }
            }
            return sum
        case .table: return ways(text, in: fib.table(TableIndex(rawValue: result.index)), depth: depth + 1)
        case .rewrite: return [name(result): 1]
        case .path:
            let path = fib.paths.table[result.index]
            let labels = withUnsafeBytes(of: path.labels) {
                $0.bindMemory(to: UInt32.self).prefix(Int(path.labelCount)).map { " \($0)" }
            }
            let backup = path.backup == .noRoute ? "" : " or \(name(path.backup))"
            return ["\(name(Forwarding(.rewrite, path.adjacency)))\(labels.joined())\(backup)": 1]
        default: return [result.word: 1]
        }
    }

    private func name(_ result: Forwarding) -> String {
        guard let neighbor = fib.pathLists.adjacency(of: result) else { return result.word }
        return fib.adjacencies.table[neighbor].neighbor.map { "\($0)" } ?? "glean"
    }

    /// The same without the numbers.
    func way(_ text: String, in table: VRF? = nil) -> Set<String> { Set(ways(text, in: table).keys) }

    // MARK: - Balance

    /// What is in use at each level.
    struct Use: Equatable {
        var lists = 0
        var loadBalances = 0
        var buckets = 0
        var paths = 0
        var adjacencies = 0
    }

    var use: Use {
        Use(
            lists: fib.pathLists.count, loadBalances: fib.pathLists.loadBalances.count,
            buckets: fib.pathLists.loadBalances.bucketCount, paths: fib.paths.count,
            adjacencies: fib.adjacencies.count)
    }
}
