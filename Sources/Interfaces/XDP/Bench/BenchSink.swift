// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Counts the stamped frames that arrive at a device and checks their order within each flow, in an XDP program: the
/// cheapest far end there is, so that the router is measured and not the sink. Other frames go to the kernel.
public struct BenchSink: ~Copyable {
    /// What has arrived.
    public struct Counts: Sendable, Hashable, BitwiseCopyable {
        /// Packets of ours.
        public var received: UInt64 = 0
        /// Packets that came after a later one of their flow.
        public var reordered: UInt64 = 0
    }

    /// Flows that can be told apart.
    static let maxFlows: UInt32 = 32768

    private let counts: OwnedFile
    /// The attachment, which keeps the program and its maps.
    private let link: OwnedFile

    /// Attaches to `device`, in the calling thread's network namespace.
    /// - Parameter frame: What the sender sends, and what it is to look like when it arrives.
    public init(device: String, frame: BenchFrame = BenchFrame()) throws(XDPError) {
        let index = if_nametoindex(device)
        guard index != 0 else { throw .noDevice(device) }
        let size = UInt32(MemoryLayout<Counts>.size)
        let counts = OwnedFile(try BenchSink.map("bench_counts", valueSize: size, entries: 1, device: device))
        let expected = OwnedFile(
            try BenchSink.map("bench_expected", valueSize: 8, entries: BenchSink.maxFlows, device: device))
        let code = BenchSink.check(frame, counts: counts.number, expected: expected.number)
        let program = OwnedFile(try BPFInstruction.load(code, name: "bench_sink", device: device))
        let attached = try XDPProgram.attach(
            program.number, device: device, index: Int32(index), mode: .driver, warn: { _ in })
        self.link = OwnedFile(attached.link)
        self.counts = counts
    }

    /// What has arrived so far. Any thread may call.
    public var arrived: Counts {
        var key: UInt32 = 0
        var value = Counts()
        bpf_map_lookup_elem(counts.number, &key, &value)
        return value
    }

    private static func map(
        _ name: String, valueSize: UInt32, entries: UInt32, device: String
    ) throws(XDPError) -> Int32 {
        let map = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, valueSize, entries, nil)
        guard map >= 0 else { throw .kernel(-map, "create a BPF map", device: device) }
        return map
    }

    /// The program: pass what has no stamp; count; if the stamp's number is at least the expected one, expect the next,
    /// otherwise count it as reordered; drop.
    private static func check(_ frame: BenchFrame, counts: Int32, expected: Int32) -> [BPFInstruction] {
        typealias B = BPFInstruction
        let stamp = Int16(frame.stampOffset)
        let flow = stamp + Int16(MemoryLayout<BenchFrame.Stamp>.offset(of: \.flow)!)
        let sequence = stamp + Int16(MemoryLayout<BenchFrame.Stamp>.offset(of: \.sequence)!)
        let reordered = Int16(MemoryLayout<Counts>.offset(of: \.reordered)!)
        func increment(_ offset: Int16) -> [[B]] {
            [
                B.load(.r1, .double, from: .r9, offset: offset), B.compute(.r1, .add, 1),
                B.store(.r1, .double, to: .r9, offset: offset),
            ]
        }
        func code(_ parts: [[B]]) -> [B] { parts.flatMap { $0 } }

        let drop = code([B.move(.r0, Int32(XDP_DROP.rawValue)), B.exit()])
        let pass = code([B.move(.r0, Int32(XDP_PASS.rawValue)), B.exit()])
        let late = code(increment(reordered)) + drop
        let inOrder = code([B.compute(.r8, .add, 1), B.store(.r8, .double, to: .r0, offset: 0)]) + drop
        let count = code(
            [B.loadMapValue(.r9, file: counts)] + increment(0)
                + [B.load(.r2, .double, from: .r0, offset: 0), B.skip(Int16(inOrder.count), if: .r2, above: .r8)])
        let known = count + inOrder + late
        let find = code([
            B.load(.r8, .double, from: .r6, offset: sequence),
            B.load(.r3, from: .r6, offset: flow), B.store(.r3, .word, to: .r10, offset: -4),
            B.loadMap(.r1, file: expected), B.move(.r2, from: .r10), B.compute(.r2, .add, -4), B.call(.mapLookup),
            B.skip(Int16(known.count), if: .r0, is: 0),
        ])
        let marked = find + known
        let look = code([
            B.load(.r3, from: .r6, offset: stamp),
            B.skip(Int16(marked.count), if: .r3, isNot: Int32(BenchFrame.Stamp.mark)),
        ])
        let long = look + marked
        let start = code([
            // struct xdp_md: data, data_end.
            B.load(.r6, from: .r1, offset: 0), B.load(.r7, from: .r1, offset: 4),
            B.move(.r2, from: .r6), B.compute(.r2, .add, Int32(stamp) + Int32(MemoryLayout<BenchFrame.Stamp>.size)),
            B.skip(Int16(long.count), if: .r2, above: .r7),
        ])
        return start + long + pass
    }
}
