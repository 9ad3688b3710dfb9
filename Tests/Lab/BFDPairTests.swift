// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// BFD between two routers of ours: what bfdd does not know.
    @Suite struct BFDPairs {
        /// Two routers on one cable, 192.0.2.1 and 192.0.2.2, and what each of them has below `bfd`.
        private struct Pair {
            let left = Namespace("left")
            let right = Namespace("right")
            let daemons: [Daemon]

            init(_ leftBFD: String, _ rightBFD: String, prefix: Int = 24) throws {
                left.connect("eth0", to: right, "eth0")
                daemons = try [(left, 1, leftBFD), (right, 2, rightBFD)].map { namespace, number, bfd in
                    try Daemon(
                        """
                        workers: {count: 1}
                        interfaces:
                          eth0: {type: af-xdp, addresses: [192.0.2.\(number)/\(prefix)]}
                        bfd:
                        \(bfd)
                        """, in: namespace)
                }
            }

            func areUp(seconds: Double = 15) -> Bool {
                eventually(seconds) {
                    daemons[0].bfdState("192.0.2.2") == "up" && daemons[1].bfdState("192.0.2.1") == "up"
                }
            }

            var report: Comment {
                "\(daemons[0].text("show bfd 192.0.2.2"))\(daemons[0].text("show errors"))\(daemons[1].text("show errors"))"
            }
        }

        private static func session(_ peer: Int, _ more: String) -> String {
            "  sessions: [{peer: 192.0.2.\(peer), transmit-interval: 20ms, receive-interval: 20ms\(more)}]"
        }

        @Test(arguments: ["keyed-md5", "meticulous-keyed-md5", "keyed-sha1", "meticulous-keyed-sha1"])
        func `authentication`(type: String) throws {
            let key = ", authentication: {type: \(type), key-id: 7, secret: 0x6d6172746c6574}"
            let pair = try Pair(
                BFDPairs.session(2, key),
                BFDPairs.session(1, key.replacingOccurrences(of: "0x6d6172746c6574", with: "martlet")))
            #expect(pair.areUp(), pair.report)
            usleep(2_000_000)
            #expect(pair.daemons.map { $0.json("show errors")["errors"].list.count } == [0, 0], pair.report)
            #expect(pair.daemons[0].bfdCounts("192.0.2.2") == [1, 0], pair.report)
        }

        @Test func `a wrong key keeps it down, and says why`() throws {
            let key = ", authentication: {type: meticulous-keyed-sha1, key-id: 7, secret: SECRET}"
            let pair = try Pair(
                BFDPairs.session(2, key), BFDPairs.session(1, key.replacingOccurrences(of: "SECRET", with: "OTHER")))
            #expect(eventually { pair.daemons[0].text("show errors").contains("authentication-digest") }, pair.report)
            #expect(pair.daemons[0].bfdState("192.0.2.2") == "down")
        }

        @Test func `echo between two of ours`() throws {
            let pair = try Pair(
                BFDPairs.session(2, ", echo-interval: 20ms, echo-receive-interval: 20ms"),
                BFDPairs.session(1, ", echo-interval: 20ms, echo-receive-interval: 20ms"))
            #expect(pair.areUp(), pair.report)
            usleep(2_000_000)
            #expect(pair.daemons[0].bfdCounts("192.0.2.2") == [1, 0], pair.report)
            #expect((pair.daemons[0].bfd("192.0.2.2")?["counters"]["echoes_received"].int ?? 0) > 50, pair.report)
        }

        /// Each session has two addresses of its own on the one cable. Nobody misses a detection time, on one worker each.
        /// A thousand of them at 50 ms are for a release build: `make soak`.
        @Test func `many sessions on one worker`() throws {
            let count = Laboratory.isSoak ? 1000 : 200
            let interval = Laboratory.isSoak ? "50ms" : "100ms"
            func half(_ own: Int) -> String {
                let pairs = (0..<count).map { ("10.\($0 / 100).\($0 % 100)", 2 * ($0 % 100)) }
                let addresses = pairs.map { "\($0.0).\($0.1 + own)/31" }.joined(separator: ", ")
                let sessions = pairs.map { "    - {peer: \($0.0).\($0.1 + 1 - own)}" }.joined(separator: "\n")
                return """
                    buffers: {count: 32768}
                    workers: {count: 1}
                    interfaces: {eth0: {type: af-xdp, addresses: [\(addresses)]}}
                    bfd:
                      profiles: {default: {transmit-interval: \(interval), receive-interval: \(interval)}}
                      sessions:
                    \(sessions)
                    """
            }
            let (left, right) = (Namespace("left"), Namespace("right"))
            left.connect("eth0", to: right, "eth0")
            let daemons = try [(left, 0), (right, 1)].map { try Daemon(half($0.1), in: $0.0, wait: false) }
            for daemon in daemons { #expect(daemon.waitUntilReady(seconds: 60), "\(daemon.log)") }
            func sum(_ key: String) -> [Int] {
                daemons.map { $0.json("show bfd")["sessions"].list.reduce(0) { $0 + ($1[key].int ?? 0) } }
            }
            func up() -> [Int] {
                daemons.map { $0.json("show bfd")["sessions"].list.count { $0["state"].string == "up" } }
            }
            #expect(eventually(60) { up() == [count, count] }, "\(up()) \(daemons[0].text("show errors"))")
            let before = sum("failures")
            sleep(Laboratory.isSoak ? 60 : 10)
            print("\(count) sessions at \(interval) x 3: failures \(before) while coming up, then \(sum("failures"))")
            print(daemons[0].text("show threads"))
            #expect(sum("failures") == before, "\(daemons[0].text("show errors"))")
            #expect(up() == [count, count])
        }
    }
}
