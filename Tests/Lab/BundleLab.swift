// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Two routers with a bundle of three links between them, and a host behind each:
///
///     client eth0 192.0.2.10 — lan0 [near] m0, m1, m2 === m0, m1, m2 [far] lan0 — eth0 198.51.100.10 server
final class BundleTopology {
    static let server = "198.51.100.10"
    static let client = "192.0.2.10"
    static let links = ["m0", "m1", "m2"]

    let client = Namespace("client")
    let near = Namespace("near")
    let far = Namespace("far")
    let server = Namespace("server")

    init() {
        near.connect("lan0", to: client, "eth0")
        far.connect("lan0", to: server, "eth0")
        for link in BundleTopology.links { near.connect(link, to: far, link) }
        client.finishChecksums("eth0")
        server.finishChecksums("eth0")
        client.run("ip addr add \(BundleTopology.client)/24 dev eth0 && ip route replace default via 192.0.2.1")
        server.run("ip addr add \(BundleTopology.server)/24 dev eth0 && ip route replace default via 198.51.100.1")
    }

    /// Starts one of the routers.
    /// - Parameter bundle: Keys of its bundle.
    func start(_ router: Namespace, _ bundle: String) throws -> Daemon {
        let isNear = router === near
        let links = BundleTopology.links.map { "  \($0): {type: af-xdp}\n" }.joined()
        return try Daemon(
            """
            interfaces:
              lan0: {type: af-xdp, addresses: [\(isNear ? "192.0.2.1" : "198.51.100.1")/24]}
            \(links)  be0: {type: bundle, addresses: [10.0.0.\(isNear ? 1 : 2)/30], \(bundle)}
            routes:
              - {to: \(isNear ? "198.51.100.0/24" : "192.0.2.0/24"), via: 10.0.0.\(isNear ? 2 : 1)}
            """, in: router)
    }

    func setLink(_ link: String, _ isUp: Bool) { far.run("ip link set \(link) \(isUp ? "up" : "down")") }

    /// The members in use, as a router sees it.
    static func active(_ daemon: Daemon) -> [String] {
        bundle(daemon)["members"].list.filter { $0["state"].string == "active" }.compactMap { $0["name"].string }
    }

    static func bundle(_ daemon: Daemon) -> JSONValue {
        daemon.json("show bundle be0")["bundles"].list.first ?? JSONValue("null")
    }

    static func isUp(_ daemon: Daemon) -> Bool {
        (bundle(daemon)["link_up"].value as? NSNumber)?.boolValue ?? false
    }

    func awaitActive(
        _ links: [String], _ daemons: Daemon..., seconds: Double = 15, location: SourceLocation = #_sourceLocation
    ) {
        for daemon in daemons {
            let isReached = eventually(seconds) { BundleTopology.active(daemon) == links }
            #expect(
                isReached, "\(links): \(daemon.text("show bundle be0"))\(daemon.log)", sourceLocation: location)
        }
    }

    func ping(count: Int = 3) -> Int {
        let answer = client.attempt("ping -n -c \(count) -i 0.05 -W 1 \(BundleTopology.server)").output
        return answer.components(separatedBy: "bytes from").count - 1
    }
}
