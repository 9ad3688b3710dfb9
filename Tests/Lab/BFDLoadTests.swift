// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// Many BFD sessions between two routers of ours, one worker each, which have all the work that they can do besides.
    ///
    /// A thousand sessions at 50 ms are for a release build that has the machine for itself: `make soak`.
    @Suite struct BFDLoad {
        private static var count: Int { Laboratory.isSoak ? 1000 : 200 }
        private static var interval: String { Laboratory.isSoak ? "50ms" : "100ms" }

        /// Each session has two addresses of its own on the one cable. The load is made by the worker itself and forwarded to
        /// nowhere, as fast as it goes.
        private struct Pair {
            let namespaces = [Namespace("left"), Namespace("right")]
            let daemons: [Daemon]

            init(hasLoad: Bool) throws {
                namespaces[0].connect("eth0", to: namespaces[1], "eth0")
                daemons = try namespaces.enumerated().map { own, namespace in
                    try Daemon(Pair.text(own, hasLoad: hasLoad), in: namespace, wait: false)
                }
                for daemon in daemons { #expect(daemon.waitUntilReady(seconds: 60), "\(daemon.log)") }
            }

            /// The routers' workers have a core each, where there are two.
            private static func text(_ own: Int, hasLoad: Bool) -> String {
                let pairs = (0..<count).map { ("10.\($0 / 100).\($0 % 100)", 2 * ($0 % 100)) }
                let addresses = pairs.map { "\($0.0).\($0.1 + own)/31" }.joined(separator: ", ")
                let sessions = pairs.map { "    - {peer: \($0.0).\($0.1 + 1 - own)}" }.joined(separator: "\n")
                let load = """
                      source:
                        type: generator
                        addresses: [192.0.2.1/24]
                        packets:
                          - ipv4: {source: 192.0.2.10, destination: 203.0.113.0-203.0.113.255}
                            udp: {source: 1024-1279, destination: 9}
                            size: 60
                      sink: {type: "null", addresses: [198.51.100.1/24]}
                    neighbors: [{interface: sink, address: 198.51.100.2, mac: 02:00:00:00:00:02}]
                    routes: [{to: 203.0.113.0/24, via: 198.51.100.2}]
                    """
                return """
                    buffers: {count: 32768}
                    workers: {count: 1, cores: [\(own % ProcessInfo.processInfo.activeProcessorCount)]}
                    interfaces:
                      eth0: {type: af-xdp, addresses: [\(addresses)]}
                    \(hasLoad ? load : "")
                    bfd:
                      profiles: {default: {transmit-interval: \(interval), receive-interval: \(interval)}}
                      sessions:
                    \(sessions)
                    """
            }

            private func sessions(_ daemon: Daemon) -> [JSONValue] { daemon.json("show bfd")["sessions"].list }

            func areUp(seconds: Double = 60) -> Bool {
                eventually(seconds) {
                    daemons.allSatisfy { sessions($0).count { $0["state"].string == "up" } == BFDLoad.count }
                }
            }

            /// Sessions that went down so far, of each router.
            var failures: [Int] { daemons.map { sessions($0).reduce(0) { $0 + ($1["failures"].int ?? 0) } } }

            /// Packets that each router has made for itself.
            var load: [Int] {
                daemons.map { daemon in
                    daemon.json("show interfaces")["interfaces"].list
                        .first { $0["name"].string == "source" }?["rx_packets"].int ?? 0
                }
            }

            var report: Comment { "\(daemons[0].text("show errors"))\(daemons[1].text("show errors"))" }
        }

        @Test(arguments: [false, true]) func `nobody misses a detection time`(hasLoad: Bool) throws {
            let pair = try Pair(hasLoad: hasLoad)
            #expect(pair.areUp(), pair.report)
            let (before, loadBefore) = (pair.failures, pair.load)
            let seconds = Laboratory.isSoak ? 60 : 10
            sleep(UInt32(seconds))
            let (after, load) = (pair.failures, zip(pair.load, loadBefore).map { Double($0 - $1) / 1e6 })
            let rates = load.map { String(format: "%.2f", $0 / Double(seconds)) }
            print(
                "\(BFDLoad.count) sessions at \(BFDLoad.interval) x 3, \(seconds) s: \(before) failures while coming up,"
            )
            print("    then \(zip(after, before).map(-)); load \(rates) Mpps")
            print(pair.daemons[0].text("show threads"))
            #expect(after == before, pair.report)
            #expect(!Laboratory.isSoak || before == [0, 0], pair.report)
            #expect(pair.areUp(seconds: 1))
            #expect(!hasLoad || load.allSatisfy { $0 > 0 })
        }

        /// Everything of the left router but its worker stands still: sessions are the worker's affair (the C bit says so).
        @Test func `a control plane that stands still takes no session down`() throws {
            let pair = try Pair(hasLoad: false)
            #expect(pair.areUp(), pair.report)
            let before = pair.failures
            let seconds = Laboratory.isSoak ? 10 : 3
            let stopped = try StoppedThreads(of: pair.daemons[0].pid) { !$0.hasPrefix("martlet-wk") }
            #expect(stopped.count > 1)
            #expect(Shell.run("timeout 1 \(Laboratory.program) show bfd --socket \(pair.daemons[0].socket)").code != 0)
            sleep(UInt32(seconds))
            stopped.resume()
            let after = pair.failures
            print("\(stopped.count) threads stood still for \(seconds) s: \(zip(after, before).map(-)) failures")
            #expect(after == before, pair.report)
            #expect(pair.areUp(seconds: 1))
        }
    }
}
