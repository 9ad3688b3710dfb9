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
    }
}
