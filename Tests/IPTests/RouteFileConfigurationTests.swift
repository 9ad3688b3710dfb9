// SPDX-License-Identifier: Apache-2.0
import Control
import Glibc
import Graph
import Testing
import Wire

@testable import IP

// Files of routes, and what holds for all routes of one.
extension RouteConfigurationTests {
    @Test func files() throws {
        let path = try temporaryFile(
            "20.0.0.0/8 0\n2001:db8:1::/48 1\n2001:db8:2::/48 2001:db8:a::7\n21.0.0.0/8 20.0.0.1\n")
        defer { unlink(path) }
        let (_, ip) = try router("routes: {file: \(path), next-hops: [10.1.0.9, \"2001:db8:b::5-2001:db8:b::6\"]}")
        #expect(try paths(ip, "20.0.0.0/8") == ["10.1.0.9 on wan0"])
        #expect(try paths(ip, "2001:db8:1::/48") == ["2001:db8:b::5 on wan0"])
        #expect(try paths(ip, "2001:db8:2::/48") == ["2001:db8:a::7 on lan0"])
        #expect(try paths(ip, "21.0.0.0/8") == ["via 20.0.0.1"])
    }

    @Test func countedRoutesOfAFile() throws {
        let path = try temporaryFile("20.0.0.0/8 10.1.0.9\n21.0.0.0/8 10.1.0.9 counter\n")
        defer { unlink(path) }
        for (text, counted) in [("", [false, true]), (", counter: true", [true, true])] {
            let (_, ip) = try router("routes: {file: \(path)\(text)}")
            let lists = try ["20.0.0.1", "21.0.0.1"].map { try #require(ip.fib.cover(of: IPAddress($0)!, in: .main)).1 }
            #expect(lists.map(\.isCounted) == counted)
        }
    }

    /// Next hops have `bfd` of their own or the route's, a file's all the same; sessions begin when all is there.
    @Test func watchedNextHops() throws {
        let path = try temporaryFile("20.0.0.0/8 10.1.0.9\n21.0.0.0/8 10.1.0.8\n")
        defer { unlink(path) }
        let (router, ip) = try router(
            """
            bfd:
              profiles: {fast: {transmit-interval: 50ms, passive: true}, default: {passive: true}}
              sessions: [{peer: 10.0.0.4}]
            routes:
              - {file: \(path), bfd: fast}
              - {to: 22.0.0.0/8, via: {address: 10.0.0.2, bfd: true}}
              - {to: 23.0.0.0/8, via: {address: 10.0.0.2, bfd: true}}
              - {to: 24.0.0.0/8, via: [{address: 10.0.0.3, bfd: false}, 10.0.0.4], bfd: fast}
              - to: 25.0.0.0/8
                via: {address: 20.0.0.1, bfd: {profile: fast, local-address: 10.1.0.1}}
              - {to: 26.0.0.0/8, via: {address: 10.0.0.2, vrf: red, bfd: {local-address: 10.0.0.1}}}
            """)
        let bfd = try #require(router.registry.module(BFDModule.self)).manager!
        let rows = bfd.rows().map { "\($0.peer) \($0.interface ?? "multihop") \($0.clients.joined(separator: ", "))" }
        #expect(
            rows == [
                "10.0.0.2 lan0 routes", "10.0.0.2 red0 routes", "10.0.0.4 lan0 configuration, routes",
                "10.1.0.8 wan0 routes", "10.1.0.9 wan0 routes", "20.0.0.1 multihop routes",
            ])
        let profiles = bfd.ordered.map { $0.profile ?? "-" }
        #expect(profiles == ["default", "default", "default", "fast", "fast", "fast"])
        #expect(try #require(bfd.ordered.last).parameters.transmitInterval == 50_000)
        ip.fib.removeRoute(IPPrefix("22.0.0.0/8")!)
        #expect(bfd.ordered[0].clients.count == 1)
    }
}
