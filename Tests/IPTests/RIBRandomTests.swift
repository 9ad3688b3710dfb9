// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Routes and failures at random, against a model that keeps no state but the routes themselves.
@Suite @ControlPlane struct RIBRandomTests {
    /// Next hops of a tier's routes are neighbours, or lie in the tier before: no loops, which have tests of their own.
    private static let neighbors = ["10.0.0.2", "10.0.0.3", "10.1.0.2", "10.1.0.3", "10.2.0.2"]
    private static let lengths = [32, 31, 24, 12, 10, 8]
    private static let sources: [RouteSource] = [.static, .api, .dynamic]

    /// What the router was told, and what follows from it, worked out anew for every question.
    @ControlPlane
    private struct Model {
        struct Key: Hashable { var prefix: IPv4Prefix, source: RouteSource }
        var routes: [Key: [Path]] = [:]
        var down: Set<String> = []
        var downInterfaces: Set<InterfaceIndex> = []

        func ways(_ address: IPv4Address) -> Set<String> {
            guard let paths = cover(address) else { return ["nothing"] }
            return ways(paths)
        }

        /// Whether there are routes for the address, usable or not.
        func hasRoute(_ address: IPv4Address) -> Bool { routes.keys.contains { $0.prefix.contains(address) } }

        /// The paths of the route that is in force for the address.
        private func cover(_ address: IPv4Address) -> [Path]? {
            for length in RIBRandomTests.lengths {
                for source in RIBRandomTests.sources {
                    let key = Key(prefix: IPv4Prefix(address, length: length), source: source)
                    if let paths = routes[key], !ways(paths).isEmpty { return paths }
                }
            }
            return nil
        }

        private func ways(_ paths: [Path]) -> Set<String> {
            for preference in Set(paths.map(\.preference)).sorted() {
                let group = paths.filter { $0.preference == preference }
                let found = group.reduce(into: Set<String>()) { $0.formUnion(way($1)) }
                if !found.isEmpty { return found }
            }
            return []
        }

        private func way(_ path: Path) -> Set<String> {
            switch path.target {
            case .neighbor(let address, let interface):
                down.contains("\(address)") || downInterfaces.contains(interface) ? [] : ["\(address)"]
            case .recursive(.v4(let address), _):
                cover(address).map { ways($0).filter { $0.first!.isNumber } } ?? []
            case .discard(let forwarding): [forwarding.word]
            default: []
            }
        }
    }

    @Test(arguments: 0..<8) func operations(seed: UInt64) throws {
        let lab = try RouteLab()
        let idle = lab.use
        var model = Model()
        var random = SplitMix(state: seed)
        // The neighbours exist throughout, so that they can fail while no route uses them.
        let kept = try RIBRandomTests.neighbors.map { try lab.fib.pathLists.acquire([lab.neighbor($0)]) }
        for step in 0..<400 {
            var changes = Int.random(in: 0..<4, using: &random) == 0 ? Int.random(in: 2...20, using: &random) : 1
            try lab.fib.batch { () throws(RouteError) in
                while changes > 0 {
                    changes -= 1
                    try change(lab, &model, &random)
                }
            }
            while lab.fib.reprogramming.isBusy { lab.engine.step() }
            for _ in 0..<12 {
                let address = RIBRandomTests.address(&random)
                let (seen, expected) = (lab.way("\(address)"), model.ways(address))
                try #require(seen == expected, "seed \(seed) step \(step): \(address)")
                // Senders hear whether there is a route at all.
                guard seen == ["nothing"] else { continue }
                let isDown = lab.fib.main.ip4.unusable.longestMatch(address) != nil
                try #require(isDown == model.hasRoute(address), "seed \(seed) step \(step): \(address)")
            }
        }
        for key in model.routes.keys { lab.fib.removeRoute(.v4(key.prefix), from: key.source) }
        for list in kept { lab.fib.pathLists.release(list.index) }
        // Of the connected networks some may be down.
        #expect(!lab.fib.main.ip4.unusable.contains { $0.prefix.address.value >> 24 >= 30 })
        #expect(lab.use == idle)
    }

    private func change(_ lab: RouteLab, _ model: inout Model, _ random: inout SplitMix) throws(RouteError) {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<3:
            guard
                let key = model.routes.keys.sorted(by: {
                    ($0.prefix, $0.source.rawValue) < ($1.prefix, $1.source.rawValue)
                })
                .randomElement(using: &random)
            else { return }
            model.routes[key] = nil
            lab.fib.removeRoute(.v4(key.prefix), from: key.source)
        case 3..<6:
            let name = RIBRandomTests.neighbors.randomElement(using: &random)!
            let isDown = model.down.insert(name).inserted
            if !isDown { model.down.remove(name) }
            lab.fail(name, isDown)
        case 6:
            let interface = [lab.lan, lab.wan, lab.dmz].randomElement(using: &random)!
            let isDown = model.downInterfaces.insert(interface.index).inserted
            if !isDown { model.downInterfaces.remove(interface.index) }
            interface.isLinkUp = !isDown
        default:
            let tier = Int.random(in: 0..<3, using: &random)
            let key = Model.Key(
                prefix: RIBRandomTests.prefix(tier, &random),
                source: RIBRandomTests.sources.randomElement(using: &random)!)
            let paths = (0..<Int.random(in: 1...4, using: &random)).map { _ in path(tier, lab, &random) }
            model.routes[key] = paths
            try lab.fib.setRoute(
                .v4(key.prefix), paths, from: key.source, isCounted: Int.random(in: 0..<8, using: &random) == 0)
        }
    }

    private func path(_ tier: Int, _ lab: RouteLab, _ random: inout SplitMix) -> Path {
        let kind = Int.random(in: 0..<10, using: &random)
        var path: Path
        if kind == 0 {
            path = Path(.discard(.blackhole))
        } else if kind < 5 || tier == 0 {
            path = lab.neighbor(RIBRandomTests.neighbors.randomElement(using: &random)!)
        } else {
            path = .recursive(.v4(RIBRandomTests.address(&random, tier - 1)))
        }
        path.weight = Int.random(in: 1...3, using: &random)
        path.preference = Int.random(in: 0...1, using: &random)
        return path
    }

    private static func address(_ random: inout SplitMix, _ tier: Int? = nil) -> IPv4Address {
        let first = UInt32(30 + (tier ?? Int.random(in: 0..<3, using: &random)) * 10)
        // Few bits, so that prefixes cover each other and next hops.
        return IPv4Address(
            first << 24 | UInt32.random(in: 0..<16, using: &random) << 20 | UInt32.random(in: 0..<4, using: &random))
    }

    private static func prefix(_ tier: Int, _ random: inout SplitMix) -> IPv4Prefix {
        IPv4Prefix(address(&random, tier), length: lengths.randomElement(using: &random)!)
    }
}
