// SPDX-License-Identifier: Apache-2.0
import Wire

// Frames with tags, otherwise as those of `ip4-one`.
extension BenchInput {
    static let dot1q = tagged(
        "dot1q", "VLAN 10",
        "8e5d4f70caeb090420051f26927d9b300ab3d188a8d628b40737a0c730da56a6"
            + "9dfa8d8d412349dddc994e90445518119dd930521eda3252c77b7bff32767ed7"
    ) { _ in tag(0x8100, 10) }

    static let dot1qAll = tagged(
        "dot1q-4094", "random VLANs",
        "2367c062e746c891243c36e8a4247fd3d765ed693c269101c5b4b3d4c4a1abe0"
            + "3a952f5ce8d0e94bfd27fcd53235c1694ed0e7480f0f65040f56717057f2fb3a"
    ) { tag(0x8100, 1 + $0.below(4094)) }

    static let qinq = tagged(
        "qinq", "service VLAN 200, VLAN 7",
        "62930c4224c6bc21979810117b9958fe5da39a7b682d652d2b4528c115e71fb6"
            + "3eebafbf6170b7f9e5bab6baec6bd7b484fced9de050252b9a159d2c07cade54"
    ) { _ in tag(0x88a8, 200) + tag(0x8100, 7) }

    static let qinqAll = tagged(
        "qinq-64k", "random VLANs in 16 service VLANs",
        "c276b602603447ce1035dd3a74d42d86268ce1ca20edecbac925ae6001d0bba9"
            + "2baeb7a727f31bff60fdca4ddf61798b7cd8ea6d2da77a388194505453483235"
    ) { random in
        let outer = tag(0x88a8, 1 + random.below(16))
        return outer + tag(0x8100, 1 + random.below(4094))
    }

    private static func tagged(
        _ name: String, _ summary: String, _ digest: String,
        _ tags: @escaping @Sendable (inout PythonRandom) -> [UInt8]
    ) -> BenchInput {
        BenchInput(name: name, summary: summary, digest: digest) { random in
            let frames = (0..<packetCount).map { _ in
                let frame = frame(to: 10 << 24 + random.bits(24))
                return stations + tags(&random) + frame.dropFirst(stations.count)
            }
            return Content(routes: [], frames: frames)
        }
    }

    private static func tag(_ type: UInt16, _ vlan: UInt32) -> [UInt8] {
        [type >> 8, type & 255, UInt16(vlan >> 8), UInt16(vlan & 255)].map { UInt8($0) }
    }
}

extension BenchCase {
    /// The graph of a port that has a sub-interface for each of these tags, and one way out for what comes in by them.
    static func subinterfaces(_ tags: [String], of input: BenchInput) -> String {
        let first: UInt32 = 100 << 24 + 64 << 16 + 1
        let lines = tags.enumerated().map { number, tags in
            let address = IPv4Address(first + UInt32(number) * 4)
            return "  sub\(number): {type: vlan, parent: gen0, \(tags), addresses: [\(address)/30]}\n"
        }
        return """
            # Made by `martlet bench`.
            interfaces:
              gen0: {type: generator, read: \(input.name).pcap, mac: "02:fe:00:00:00:01"}
              out0: {type: "null", addresses: [192.168.16.1/20]}
            \(lines.joined())routes:
              - {to: 10.0.0.0/8, via: 192.168.17.0}
            neighbors:
              - {interface: out0, address: 192.168.17.0, mac: "02:aa:00:00:00:00"}

            """
    }
}
