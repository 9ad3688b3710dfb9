// SPDX-License-Identifier: Apache-2.0
import Wire

// Frames between stations behind two ports, otherwise as those of `ip4-one`.
extension BenchInput {
    static let bridge = BenchInput(
        name: "bridge", summary: "from one of 4,096 stations to one of 4,096 others",
        digest: "7d24d33e39064c8a78d92bd40c65027613aebfb0e07032c0945a169d443765d0"
            + "08d9cacef3ab0d4b8b16527dfa600f4cf300fbe795273a08183934e3eaed525a"
    ) { random in
        let frames = (0..<packetCount).map { _ in
            let destination = station(0x0255_0000_0000, random.below(4096))
            let source = station(0x0266_0000_0000, random.below(4096))
            return destination + source + frame(to: 10 << 24 + random.bits(24)).dropFirst(stations.count)
        }
        return Content(routes: [], frames: frames)
    }

    private static func station(_ first: UInt64, _ number: UInt32) -> [UInt8] {
        [40, 32, 24, 16, 8, 0].map { UInt8(truncatingIfNeeded: (first + UInt64(number)) >> $0) }
    }
}

extension BenchCase {
    /// A graph file: a bridge with so many stations behind its second port, none of which ever says anything.
    static func stations(_ count: Int, of input: BenchInput) -> String {
        let lines = (0..<count).map { "      \"\(MACAddress(0x0255_0000_0000 + UInt64($0)))\": out0\n" }
        return """
            # Made by `martlet bench`.
            interfaces:
              gen0: {type: generator, read: \(input.name).pcap, mac: "02:fe:00:00:00:01"}
              out0: {type: "null"}
            bridges:
              lan:
                members: [gen0, out0]
                static-macs:
            \(lines.joined())
            """
    }
}
