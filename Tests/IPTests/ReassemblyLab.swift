// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// Pieces of one IP packet, by where their data lies in the packet's.
struct Pieces {
    /// From the link header on; the packet has no options and no extension headers but those in front of a fragment header.
    let frame: [UInt8]
    /// What stands in front of the data in each piece: link header, IP header, fragment header of IPv6.
    private let headerCount: Int
    private let dataOffset: Int
    private let make: (_ units: UInt16, _ more: Bool, _ data: [UInt8]) -> [UInt8]

    var data: [UInt8] { Array(frame[dataOffset...]) }

    init(ipv4 frame: [UInt8], _ header: @escaping (_ units: UInt16, _ more: Bool) -> PacketBuilder) {
        self.frame = frame
        headerCount = 34
        dataOffset = 34
        make = { units, more, data in header(units, more).payload(data).bytes }
    }

    init(ipv6 frame: [UInt8], at offset: Int = 54, _ header: @escaping (_ units: UInt16, _ more: Bool) -> PacketBuilder)
    {
        self.frame = frame
        headerCount = offset + 8
        dataOffset = offset
        make = { units, more, data in header(units, more).payload(data).bytes }
    }

    subscript(_ range: Range<Int>) -> [UInt8] { self[range, more: range.upperBound < data.count] }

    subscript(_ range: Range<Int>, more more: Bool) -> [UInt8] {
        make(UInt16(range.lowerBound / 8), more, Array(data[range]))
    }

    /// Cut behind so many bytes each.
    func every(_ count: Int) -> [[UInt8]] {
        stride(from: 0, to: data.count, by: count).map { self[$0..<min($0 + count, data.count)] }
    }

    /// Cut at random places, which are multiples of eight.
    func atRandom(_ random: inout SplitMix) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        while (ranges.last?.upperBound ?? 0) < data.count {
            let start = ranges.last?.upperBound ?? 0
            ranges.append(start..<min(start + 8 * Int.random(in: 1...12, using: &random), data.count))
        }
        return ranges
    }
}

extension IPLab {
    /// An echo request from host a in pieces.
    func pingPieces(count: Int, identification: UInt16 = 77, from source: IPv4Address = IPLab.a.ip) -> Pieces {
        let whole = fromA.ipv4(from: source, to: IPLab.lanIP, identification: identification)
            .icmp(.echoRequest(identifier: 1, sequence: 2)).payload(count: count).bytes
        let start = fromA
        return Pieces(ipv4: whole) { units, more in
            start.ipv4(
                from: source, to: IPLab.lanIP, identification: identification, moreFragments: more,
                fragmentUnits: units, protocol: .icmp)
        }
    }

    /// The answer.
    func pong(count: Int, identification: UInt16 = 77) -> [UInt8] {
        toA.ipv4(from: IPLab.lanIP, to: IPLab.a.ip, timeToLive: 64, identification: identification)
            .icmp(.echoReply(identifier: 1, sequence: 2)).payload(count: count).bytes
    }
}

extension IP6Lab {
    /// An echo request from host a in pieces.
    func pingPieces(count: Int, identification: UInt32 = 77) -> Pieces {
        let whole = fromA.ipv6(from: IP6Lab.a.ip, to: IP6Lab.lanIP)
            .icmp6(.echoRequest(identifier: 1, sequence: 2)).payload(count: count).bytes
        let start = fromA.ipv6(from: IP6Lab.a.ip, to: IP6Lab.lanIP)
        return Pieces(ipv6: whole) { units, more in
            start.fragment6(units: units, moreFragments: more, identification: identification, next: .icmp6)
        }
    }

    func pong(count: Int) -> [UInt8] {
        toA.ipv6(from: IP6Lab.lanIP, to: IP6Lab.a.ip).icmp6(.echoReply(identifier: 1, sequence: 2))
            .payload(count: count).bytes
    }
}

extension PacketBench {
    /// The frames that left by a port, and the drops, when datagrams may be unfinished then.
    func outcome(of frames: [[UInt8]], at port: BenchPort) -> Outcome { outcome(of: frames.map { (port, $0) }) }
}

extension Array {
    /// In all orders.
    var permutations: [[Element]] {
        guard count > 1 else { return [self] }
        return indices.flatMap { index in
            var rest = self
            let element = rest.remove(at: index)
            return rest.permutations.map { [element] + $0 }
        }
    }
}
