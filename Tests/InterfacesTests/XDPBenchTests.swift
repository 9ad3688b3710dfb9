// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Interfaces

@Suite(.serialized, .enabled(if: XDPLab.isPossible, XDPLab.reason))
struct XDPBenchTests {
    @Test(arguments: [60, 1514, 9014])
    func `the empty loop loses and reorders nothing at a low rate`(length: Int) throws {
        let outcome = try XDPBench.floor(frame: BenchFrame(length: length), rate: 5000, seconds: 0.5)
        #expect(outcome.offered > 1000)
        #expect(outcome.delivered == outcome.offered)
        #expect(outcome.reordered == 0)
    }

    @Test func `a flood is more than the empty loop can take, and stays in order`() throws {
        let outcome = try XDPBench.floor(seconds: 0.3)
        #expect(outcome.delivered > 1000)
        #expect(outcome.offered > outcome.delivered)
        #expect(outcome.deliveredInTime <= outcome.delivered)
        #expect(outcome.reordered == 0)
    }

    @Test func `a packet that overtakes another is noticed, and one that is lost`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1")
            let frame = BenchFrame(flows: 1)
            let sink = try BenchSink(device: "lab1")
            let port = try LabPort("lab0")
            var bytes = [UInt8](repeating: 0, count: frame.length)
            for sequence: UInt64 in [0, 2, 1, 4] {
                bytes.withUnsafeMutableBytes {
                    frame.write(to: $0.baseAddress!)
                    frame.stamp($0.baseAddress!, flow: 0, sequence: sequence)
                }
                port.send(bytes)
            }
            #expect(sink.arrived == BenchSink.Counts(received: 4, reordered: 1))
        }
    }

    @Test func `an outcome counts what is missing`() {
        let outcome = XDPBench.Outcome(offered: 10, delivered: 7, reordered: 0, deliveredInTime: 6, seconds: 2)
        #expect(outcome.lost == 3)
        #expect(outcome.rate == 3e-6)
    }
}
