// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// client —— router —— server: two kernel stacks with Martlet between them.
///
///     client eth0 192.0.2.10/24    — lan0 192.0.2.1/24    router
///     server eth0 198.51.100.10/24 — wan0 198.51.100.1/24 router
final class Topology {
    static let client = "192.0.2.10"
    static let server = "198.51.100.10"

    let client = Namespace("client")
    let router = Namespace("router")
    let server = Namespace("server")
    let mtu: Int
    let queues: Int

    init(mtu: Int = 1500, queues: Int = 1) {
        self.mtu = mtu
        self.queues = queues
        router.connect("lan0", to: client, "eth0", mtu: mtu, queues: queues)
        router.connect("wan0", to: server, "eth0", mtu: mtu, queues: queues)
        setUpClient()
        setUpServer()
    }

    /// Gives the client its address and its default route; also after its cable was made anew.
    func setUpClient() {
        client.finishChecksums("eth0")
        client.run("ip addr add \(Topology.client)/24 dev eth0 && ip route replace default via 192.0.2.1")
    }

    func setUpServer() {
        server.finishChecksums("eth0")
        server.run("ip addr add \(Topology.server)/24 dev eth0 && ip route replace default via 198.51.100.1")
    }

    /// A router of both devices.
    func configuration(workers: Int = 1, more: String = "", lan: String = "", wan: String = "") -> String {
        let size = mtu == 1500 ? "" : ", mtu: \(mtu)"
        let count = queues == 1 ? "" : ", queues: \(queues)"
        return """
            workers: {count: \(workers)}
            interfaces:
              lan0: {type: af-xdp, device: lan0, addresses: [192.0.2.1/24]\(size)\(count)\(lan)}
              wan0: {type: af-xdp, device: wan0, addresses: [198.51.100.1/24]\(size)\(count)\(wan)}
            \(more)
            """
    }

    /// Starts Martlet in the middle.
    func start(workers: Int = 1, more: String = "", lan: String = "", wan: String = "") throws -> Daemon {
        try Daemon(configuration(workers: workers, more: more, lan: lan, wan: wan), in: router)
    }

    /// Where packets of a flow to the server may have been lost: what the kernel and the router count along the way.
    func losses(_ daemon: Daemon) -> String {
        let udp = server.attempt("grep ^Udp: /proc/net/snmp").output.split(separator: "\n").last ?? ""
        return """
            client eth0: \(client.statistic("tx_dropped", of: "eth0")) tx dropped
            router lan0: \(router.statistic("rx_dropped", of: "lan0")) rx dropped
            server eth0: \(server.statistic("rx_dropped", of: "eth0")) rx dropped
            server UDP (received, no port, errors, sent, receive buffer errors, ...): \(udp)
            \(daemon.text("show interfaces"))\(daemon.text("show errors"))
            """
    }

    /// Pings the server from the client and returns how many answers came.
    func ping(_ target: String = Topology.server, count: Int = 3, options: String = "") -> Int {
        let result = client.attempt("ping -n -c \(count) -i 0.05 -W 2 \(options) \(target)")
        let words = result.output.split { $0 == " " || $0 == "," || $0 == "\n" }
        guard let place = words.firstIndex(of: "received") else { return 0 }
        return Int(words[place - 1]) ?? 0
    }
}
