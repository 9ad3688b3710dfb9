// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Routes whose next hops BFD watches; the peers are played by the tests.
@Suite("Routes as BFD clients") @ControlPlane
struct RouteBFDTests {
    private static let service = IPv4Address(30, 1, 2, 3)

    let lab: IPLab
    let bfd: BFDManager
    var fib: FIB { lab.ip.fib }

    init() throws {
        lab = try IPLab([BFDModule.self], start: false)
        bfd = lab.bench.registry.module(BFDModule.self)!.manager
        // Nothing is sent but what follows from what a test does.
        bfd.setProfile("quiet", BFDLab.passive())
    }

    // MARK: - Playing the peers

    /// A path by host b, watched; by the host behind b.
    private func near(_ bfd: BFDWatch? = BFDWatch(profile: "quiet")) throws -> Path {
        var path = try lab.ip.path(via: .v4(IPLab.b.ip))
        path.bfd = bfd
        return path
    }

    private func distant(_ bfd: BFDWatch? = BFDWatch(profile: "quiet", local: .v4(IPLab.wanIP))) throws -> Path {
        var path = try lab.ip.path(via: .v4(IPLab.far))
        path.bfd = bfd
        return path
    }

    /// By host a, while nothing better works.
    private func reserve() throws -> Path {
        var path = try lab.ip.path(via: .v4(IPLab.a.ip))
        path.preference = 1
        return path
    }

    private func set(_ prefix: String, _ paths: Path...) throws {
        try fib.setRoute(IPPrefix(prefix)!, paths)
    }

    private func session(with peer: IPv4Address) throws -> BFDManager.Session {
        try #require(bfd.sessions(with: .v4(peer)).first)
    }

    /// The peer says what its state is.
    private func say(_ state: BFDState, from peer: IPv4Address) throws {
        let session = try session(with: peer)
        let slot = try #require(session.seat?.slot)
        let packet = BFDPacket(
            state: state, flags: [], myDiscriminator: BFDLab.peerDiscriminator,
            yourDiscriminator: bfd.table[slot].session.discriminator, desiredMinTx: 60_000_000, requiredMinRx: 0)
        var bytes = [UInt8](repeating: 0, count: 24)
        bytes.withBytes { packet.emit(into: $0) }
        let port = session.interface == nil ? BFDPort.multihop : BFDPort.control
        lab.wan.send(
            lab.fromB.ipv4(from: peer, to: IPLab.wanIP, timeToLive: 255).udp(from: BFDLab.peerPort, to: port)
                .payload(bytes).bytes)
        settle()
    }

    private func settle() {
        lab.bench.settle()
        while fib.reprogramming.isBusy { lab.engine.step() }
        _ = lab.lan.takeSent()
        _ = lab.wan.takeSent()
    }

    /// The port by which a packet to the address leaves; nil when it is dropped.
    private func way(_ destination: IPv4Address = service) -> String? {
        lab.lan.send(
            lab.fromA.ipv4(from: IPLab.a.ip, to: destination).udp(from: 4000, to: 53).payload(count: 20).bytes)
        lab.bench.settle()
        let ways = [lab.lan, lab.wan].filter { port in
            port.takeSent().contains { frame in
                frame.count > 33 && frame[30..<34].reduce(0) { $0 << 8 | UInt32($1) } == destination.value
            }
        }
        return ways.first?.name
    }

    private func problem(_ prefix: String) throws -> String? {
        let index = try #require(fib.list(of: IPPrefix(prefix)!))
        return FIBExplainer(fib: fib).detail(of: try #require(fib.pathLists[index])).paths[0].problem
    }

    // MARK: - A neighbour

    @Test func aNeighbour() throws {
        try set("30.0.0.0/8", try near(), try reserve())
        #expect(bfd.count == 0)
        try lab.bench.start()
        let session = try session(with: IPLab.b.ip)
        #expect(session.profile == "quiet" && bfd.rows()[0].clients == ["routes"] && bfd.rows()[0].interface == "wan")
        // Never up: nobody can tell whether the peer has BFD at all.
        #expect(way() == "wan")
        try say(.down, from: IPLab.b.ip)
        #expect(session.state == .`init` && way() == "wan")
        try say(.up, from: IPLab.b.ip)
        #expect(session.state == .up && way() == "wan")
        try say(.down, from: IPLab.b.ip)
        #expect(session.state == .down && way() == "lan")
        #expect(try problem("30.0.0.0/8")?.contains("BFD down") == true)
        // Routes that did not ask for it have lost the neighbour as well.
        #expect(way(IPLab.far) == nil)
        try say(.down, from: IPLab.b.ip)
        try say(.up, from: IPLab.b.ip)
        #expect(way() == "wan" && way(IPLab.far) == "wan")
        try say(.adminDown, from: IPLab.b.ip)
        #expect(session.state == .down && way() == "wan")
    }

    /// Lost while nobody wanted to hear of it: a route that asks later has lost it from the beginning.
    @Test func lostBefore() throws {
        let target = BFDTarget(peer: .v4(IPLab.b.ip))
        _ = try bfd.register(target, client: "test", parameters: BFDLab.passive(), guardsNextHop: false)
        try lab.bench.start()
        for state in [BFDState.down, .up, .down] { try say(state, from: IPLab.b.ip) }
        #expect(way(IPLab.far) == "wan")
        try set("30.0.0.0/8", try near(), try reserve())
        lab.bench.settle()
        #expect(way() == "lan")
        // Who asked goes, and with it what it asked for.
        fib.removeRoute(IPPrefix("30.0.0.0/8")!)
        settle()
        #expect(way(IPLab.far) == "wan" && bfd.rows()[0].clients == ["test"])
    }

    @Test func oneSessionForAllRoutes() throws {
        try lab.bench.start()
        for number in 0..<10 { try set("40.\(number).0.0/16", try near()) }
        try set("41.0.0.0/8", try near(), try reserve())
        try set("42.0.0.0/8", try near(BFDWatch(profile: "quiet", local: .v4(IPLab.wanIP))))
        settle()
        #expect(bfd.count == 1)
        #expect(bfd.rows()[0].clients == ["routes", "routes"])
        for number in 0..<10 { fib.removeRoute(IPPrefix("40.\(number).0.0/16")!) }
        fib.removeRoute(IPPrefix("42.0.0.0/8")!)
        #expect(bfd.rows()[0].clients == ["routes"])
        // The same next hop in other paths: nobody lets go of the session meanwhile.
        try set("41.0.0.0/8", try near())
        #expect(bfd.rows()[0].clients == ["routes"])
        #expect(try session(with: IPLab.b.ip).isLeaving == false)
        fib.removeRoute(IPPrefix("41.0.0.0/8")!)
        let hasLeft = lab.bench.step { bfd.count == 0 }
        #expect(hasLeft)
    }

    @Test func whatCannotBeHad() throws {
        try lab.bench.start()
        let use = fib.pathLists.count
        func refusal(_ path: Path) -> String {
            do throws(RouteError) {
                try fib.setRoute(IPPrefix("30.0.0.0/8")!, [try! near(), path])
                return "taken"
            } catch {
                return error.description
            }
        }
        #expect(refusal(try near(BFDWatch(profile: "quite"))).contains("did you mean 'quiet'"))
        #expect(refusal(try distant(BFDWatch(profile: "quiet"))).contains("needs its own address"))
        #expect(refusal(try distant(BFDWatch(local: .v4(IPLab.far)))).contains("no address of this router"))
        var discard = Path(.discard(.blackhole))
        discard.bfd = BFDWatch()
        #expect(refusal(discard).contains("with a next hop alone"))
        #expect(fib.pathLists.count == use && bfd.sessions.values.allSatisfy { $0.clients.isEmpty })
    }

    // MARK: - Over several hops

    /// A lost BGP next hop moves all prefixes that lead through it, and those that lead through them, by their path-lists.
    @Test(arguments: [10, 1000])
    func overSeveralHops(count: Int) throws {
        try lab.bench.start()
        for number in 0..<count {
            try set("30.\(number >> 8).\(number & 255).0/24", try distant(), try reserve())
        }
        try set("40.0.0.0/8", try distant(nil), try reserve())
        try set("50.0.0.0/8", try lab.ip.path(via: .v4(IPv4Address(30, 0, 1, 1))))
        settle()
        let session = try session(with: IPLab.far)
        #expect(session.interface == nil && bfd.rows()[0].clients == ["routes"])
        let generation = fib.main.ip4.generation
        let destinations = [IPv4Address(30, 0, 9, 1), IPv4Address(40, 0, 0, 1), IPv4Address(50, 0, 0, 1)]
        func ways() -> Set<String?> { Set(destinations.map(way)) }
        for state in [BFDState.down, .up] {
            #expect(ways() == ["wan"])
            try say(state, from: IPLab.far)
        }
        #expect(session.state == .up && ways() == ["wan"])
        try say(.down, from: IPLab.far)
        #expect(ways() == ["lan"])
        #expect(try problem("30.0.0.0/24") == "BFD down (neighbour signalled session down)")
        // The way to the peer itself is as it was: how else should the session come up again?
        #expect(way(IPLab.far) == "wan")
        try say(.down, from: IPLab.far)
        #expect(session.state == .`init` && ways() == ["lan"])
        try say(.up, from: IPLab.far)
        #expect(ways() == ["wan"])
        #expect(try problem("30.0.0.0/24") == nil)
        #expect(fib.main.ip4.generation == generation)
    }

    /// An operator's word, on either side and at any time, speaks for the path; so does nothing at all.
    @Test func whatIsNoFailure() throws {
        try set("30.0.0.0/8", try distant(), try reserve())
        try lab.bench.start()
        let session = try session(with: IPLab.far)
        func bringUp() throws {
            if session.state == .down { try say(.down, from: IPLab.far) }
            try say(.up, from: IPLab.far)
            #expect(session.state == .up && way() == "wan")
        }
        func fail() throws {
            try bringUp()
            try say(.down, from: IPLab.far)
            #expect(way() == "lan")
        }
        try bringUp()
        try say(.adminDown, from: IPLab.far)
        #expect(session.state == .down && way() == "wan")
        try fail()
        try say(.adminDown, from: IPLab.far)
        #expect(session.state == .down && way() == "wan")
        try fail()
        bfd.setAdminDown(true, of: session)
        settle()
        #expect(way() == "wan")
        bfd.setAdminDown(false, of: session)
        settle()
        try fail()
        // Without an address of its own the session knows nothing.
        try lab.ip.interfaces.bind(lab.wan.interface, to: try fib.makeTable(named: "red"))
        #expect(fib.lostHops.isEmpty && session.seat == nil)
        try lab.ip.interfaces.bind(lab.wan.interface, to: fib.main)
        settle()
        try fail()
        fib.removeRoute(IPPrefix("30.0.0.0/8")!)
        #expect(fib.lostHops.isEmpty)
    }

    /// A session of the configuration, or of whoever: a client that does not guard leaves the routes alone.
    @Test(arguments: [false, true])
    func guarding(isGuard: Bool) throws {
        try set("30.0.0.0/8", try distant(nil), try reserve())
        let target = BFDTarget(peer: .v4(IPLab.far), local: .v4(IPLab.wanIP), isMultihop: true)
        try bfd.declare(target, BFDLab.passive(), profile: "quiet", guardsNextHop: isGuard)
        try lab.bench.start()
        for state in [BFDState.down, .up, .down] { try say(state, from: IPLab.far) }
        #expect(way() == (isGuard ? "lan" : "wan"))
        // A route that asks finds it lost.
        try set("30.0.0.0/8", try distant(), try reserve())
        #expect(way() == "lan")
        #expect(bfd.rows()[0].clients == ["configuration", "routes"])
    }

    /// A path's own backup has the place of a next hop that is lost.
    @Test func backup() throws {
        var path = try distant()
        path.backup = [try lab.ip.path(via: .v4(IPLab.a.ip))]
        try set("30.0.0.0/8", path)
        try lab.bench.start()
        for (state, port) in [(BFDState.down, "wan"), (.up, "wan"), (.down, "lan"), (.down, "lan"), (.up, "wan")] {
            try say(state, from: IPLab.far)
            #expect(way() == port)
        }
    }
}
