// SPDX-License-Identifier: Apache-2.0
import Foundation
import Wire

/// The inputs of the cases: captures of 65,536 packets and route lists, byte for byte those of `Tools/bench-inputs`.
struct BenchInput: Sendable {
    let name: String
    let summary: String
    /// SHA-512 of the name, which seeds the random numbers.
    private let digest: String
    private let make: @Sendable (inout PythonRandom) -> Content

    private init(
        name: String, summary: String, digest: String,
        _ make: @escaping @Sendable (inout PythonRandom) -> (routes: [Line], destinations: [UInt32])
    ) {
        self.init(name: name, summary: summary, digest: digest) { random in
            let (routes, destinations) = make(&random)
            return Content(routes: BenchInput.text(routes), frames: destinations.lazy.map(BenchInput.frame))
        }
    }

    init(name: String, summary: String, digest: String, content: @escaping @Sendable (inout PythonRandom) -> Content) {
        self.name = name
        self.summary = summary
        self.digest = digest
        make = content
    }

    /// What the files say.
    struct Content {
        let routes: [UInt8]
        let capture: [UInt8]

        /// - Parameter frames: All of one length.
        init(routes: [UInt8], frames: some Collection<[UInt8]>) {
            self.routes = routes
            capture = BenchInput.capture(frames)
        }
    }

    /// A line of a route list.
    struct Line {
        let address: UInt32
        let length: Int
        var nextHop: UInt32 = 0
    }

    static let packetCount = 65_536

    /// Makes those files `NAME.pcap` and `NAME.routes` that are not in `directory` yet.
    func write(to directory: URL) throws {
        let files = ["pcap", "routes"].map { directory.appending(path: "\(name).\($0)") }
        if files.allSatisfy({ FileManager.default.fileExists(atPath: $0.path) }) { return }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        var random = PythonRandom(seed: name, digest: digest)
        let content = make(&random)
        // Atomically: a file that is there is whole.
        try Data(content.capture).write(to: files[0], options: .atomic)
        try Data(content.routes).write(to: files[1], options: .atomic)
    }

    // MARK: - Files

    /// A pcap in the network's byte order, a microsecond between packets.
    private static func capture(_ frames: some Collection<[UInt8]>) -> [UInt8] {
        let length = frames.first?.count ?? 0
        var file: [UInt8] = []
        file.reserveCapacity(24 + frames.count * (16 + length))
        func append(_ words: UInt32...) {
            for word in words { for shift in [24, 16, 8, 0] { file.append(UInt8(truncatingIfNeeded: word >> shift)) } }
        }
        append(0xa1b2_c3d4, 2 << 16 | 4, 0, 0, 65535, 1)
        for (number, frame) in frames.enumerated() {
            append(UInt32(number / 1_000_000), UInt32(number % 1_000_000), UInt32(length), UInt32(length))
            file += frame
        }
        return file
    }

    /// Ethernet, IPv4, UDP with 18 bytes of zeros: 60 bytes.
    static func frame(to destination: UInt32) -> [UInt8] {
        let address = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: destination >> $0) }
        let checksum = InternetChecksum.update(checksumWithoutDestination, words: 0, to: destination)
        return stations + [0x08, 0x00] + headBeforeChecksum + [
            UInt8(checksum >> 8), UInt8(checksum & 255), 192, 168, 1, 100,
        ] + address + udp
    }

    /// The router's address, the host's.
    static let stations: [UInt8] = [0x02, 0xfe, 0, 0, 0, 0x01, 0x00, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e]
    private static let headBeforeChecksum: [UInt8] = [
        0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17,
    ]
    private static let checksumWithoutDestination: UInt16 = 0xb8b3
    private static let udp: [UInt8] = [0x04, 0xd2, 0x09, 0x29, 0, 26, 0, 0] + [UInt8](repeating: 0, count: 18)

    private static func text(_ routes: [Line]) -> [UInt8] {
        var file: [UInt8] = []
        file.reserveCapacity(routes.count * 20)
        for route in routes {
            for shift in [24, 16, 8, 0] {
                file += String(route.address >> shift & 255).utf8
                file.append(UInt8(ascii: shift > 0 ? "." : "/"))
            }
            file += "\(route.length) \(route.nextHop)\n".utf8
        }
        return file
    }
}

// MARK: - The inputs

extension BenchInput {
    static let all = [
        one, thousand, halfMillion, internet, million, one6, sites6, internet6, labelled, dot1q, dot1qAll, qinq,
        qinqAll, bridge, bridgeMillion,
    ]

    static let one = BenchInput(
        name: "ip4-one", summary: "one route, 10.0.0.0/8",
        digest: "f599f5700ab37438d9dbcf4c735ab34b2ba12dd86113926e5fb0ce9e8172cdd9"
            + "20fd9a0e819708778a247a84ca7b1c6c1cc4d1ff752ad32feb2ce89f7bcf69fe"
    ) { random in
        ([Line(address: 10 << 24, length: 8)], (0..<packetCount).map { _ in 10 << 24 + random.bits(24) })
    }

    static let thousand = BenchInput(
        name: "ip4-1k", summary: "1,000 consecutive /24",
        digest: "91da3a4f28d2ec1cf2b0d54c140f8e7282bb96ddab3c31f94de2dc1da3f6c0d0"
            + "104a41b15e4039fd91d608fb579f64e79519ddac1f18725e1d112c4761afcd1a"
    ) { consecutive(1000, &$0) }

    static let halfMillion = BenchInput(
        name: "ip4-500k", summary: "500,000 consecutive /24",
        digest: "3a8ecfa292640abdbe7f303e870dfdea7d9c668cac7decd4370e71e665966458"
            + "68e1de694f8473cab5b0a00ff5c6fe4100d955d8843420bb6ccffcb278d6476b"
    ) { consecutive(500_000, &$0) }

    static let internet = BenchInput(
        name: "ip4-bgp", summary: "899,739 routes in the Internet's length mix, 256 next hops",
        digest: "ecc676fc33c3d2617926afb6edbc0f56af779091685e3356222f9c0004067e6e"
            + "7c75b0460802cd9a64e01b09b2910c8e695c13a5b0fe0f7eb299f046e268b13c"
    ) { mixed(540_000, &$0) }

    static let million = BenchInput(
        name: "ip4-1m", summary: "1,000,000 routes in the Internet's length mix, 256 next hops",
        digest: "1f6394afdbd15e7323fb9b7e23948b5d63e08694a1652e42b65dd1a5c9e6cb28"
            + "f069f907c00af05ed32b2dbb92baef2709c0dd8c7d662b11bad600b3af67f9c5"
    ) { mixed(640_261, &$0) }

    static let labelled = BenchInput(
        name: "mpls", summary: "label 100 in front of random destinations",
        digest: "bd3b6a3fb371aa422b57afdf9bda634a27ae920d96720d3cc81a9c5099788612"
            + "456da2cd0890d6e2c9a5ffa3bca47c42e3df245c9076dac195f9628efdbb8e81"
    ) { random in
        let stack: [UInt8] = [0x88, 0x47, 0x00, 0x06, 0x41, 0x40]
        let frames = (0..<packetCount).map { _ in
            let frame = frame(to: 10 << 24 + random.bits(24))
            return stations + stack + frame.dropFirst(stations.count + 2)
        }
        return Content(routes: [], frames: frames)
    }

    private static func consecutive(_ count: Int, _ random: inout PythonRandom) -> ([Line], [UInt32]) {
        let start: UInt32 = 20 << 24
        let destinations = (0..<packetCount).map { _ in start + random.below(UInt32(count) << 8) }
        return ((0..<count).map { Line(address: start + UInt32($0) << 8, length: 24) }, destinations)
    }

    /// Prefixes of each length from 8, about as in the Internet's table, with `longest` of /24.
    private static func mixed(_ longest: Int, _ random: inout PythonRandom) -> ([Line], [UInt32]) {
        let mix =
            [16, 13, 40, 100, 300, 570, 1200, 2000, 13500, 8000, 13500, 24500, 43000, 50000, 105_000, 98_000] + [
                longest
            ]
        // Address and length in one number: sorting and finding are quick.
        var seen = Set<UInt64>(minimumCapacity: mix.reduce(0, +))
        for (length, count) in zip(8..., mix) {
            let mask = UInt32.max << UInt32(32 - length)
            var made = 0
            while made < count {
                let address = (1 << 24 + random.below(222 << 24)) & mask
                if [10, 127, 192].contains(address >> 24) { continue }
                if seen.insert(UInt64(address) << 8 | UInt64(length)).inserted { made += 1 }
            }
        }
        let routes = seen.sorted().map {
            Line(address: UInt32($0 >> 8), length: Int($0 & 255), nextHop: random.below(256))
        }
        let destinations = (0..<packetCount).map { _ in
            let route = routes[Int(random.below(UInt32(routes.count)))]
            return route.address | random.bits(32 - route.length)
        }
        return (routes, destinations)
    }
}
