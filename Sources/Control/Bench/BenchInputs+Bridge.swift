// SPDX-License-Identifier: Apache-2.0
import Wire

// Frames between stations behind two ports, otherwise as those of `ip4-one`.
extension BenchInput {
    static let bridge = bridge(
        "bridge", stations: 4096,
        digest: "7d24d33e39064c8a78d92bd40c65027613aebfb0e07032c0945a169d443765d0"
            + "08d9cacef3ab0d4b8b16527dfa600f4cf300fbe795273a08183934e3eaed525a")
    static let bridgeMillion = bridge(
        "bridge-million", stations: 500_000,
        digest: "d126c93efd2b9dc9df6e3207eafff1f63b53f27682775d871e20faba7df84ba0"
            + "60e12e52ef0be7b9f7f521747bcbf59b742a02a69aa6bd0683623ec1f5c87b87")

    private static func bridge(_ name: String, stations perPort: UInt32, digest: String) -> BenchInput {
        BenchInput(name: name, summary: "between \(2 * perPort) stations behind two ports", digest: digest) { random in
            let frames = (0..<packetCount).map { _ in
                let destination = station(0x0255_0000_0000, random.below(perPort))
                let source = station(0x0266_0000_0000, random.below(perPort))
                return destination + source + frame(to: 10 << 24 + random.bits(24)).dropFirst(stations.count)
            }
            return Content(routes: [], frames: frames)
        }
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
