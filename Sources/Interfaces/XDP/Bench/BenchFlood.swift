// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Sends stamped frames faster than any router on the same machine can take them: a BPF program makes them inside the
/// kernel, which hands them to the device without socket buffers (`BPF_F_TEST_XDP_LIVE_FRAMES`, Linux 5.18). Sending
/// one costs a fraction of what forwarding costs, so that the router is the bottleneck and not the sender. One thread.
///
/// The device is one end of a veth pair whose other end has an XDP program.
public struct BenchFlood: ~Copyable {
    /// The longest frame: it shares a page with the kernel's bookkeeping.
    public static let maxLength = 3000

    private let counter: OwnedFile
    private let program: OwnedFile
    private let device: String
    private let frame: [UInt8]

    /// - Parameter firstFlow: Number of the first of the frame's flows: two floods must not share any.
    public init(device: String, frame: BenchFrame, firstFlow: Int = 0) throws(XDPError) {
        let index = if_nametoindex(device)
        guard index != 0 else { throw .noDevice(device) }
        precondition(frame.length <= BenchFlood.maxLength, "frames of a flood fit into a page")
        let map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bench_counter", 4, 8, 1, nil)
        guard map >= 0 else { throw .kernel(-map, "create a BPF map", device: device) }
        let counter = OwnedFile(map)
        let code = BenchFlood.stampAndSend(
            frame, counter: map, flows: Int32(firstFlow)..<Int32(firstFlow + frame.flows), device: Int32(index))
        program = OwnedFile(try BPFInstruction.load(code, name: "bench_flood", device: device))
        self.counter = counter
        self.device = device
        var bytes = [UInt8](repeating: 0, count: frame.length)
        bytes.withUnsafeMutableBytes { frame.write(to: $0.baseAddress!) }
        self.frame = bytes
    }

    /// Packets made so far. Those that the device had no room for are lost on the way, as on a wire.
    public var sent: UInt64 {
        var key: UInt32 = 0
        var value: UInt64 = 0
        bpf_map_lookup_elem(counter.number, &key, &value)
        return value
    }

    /// Sends `count` packets; many, because the kernel needs some 25 ms to clean up after each call.
    public func send(_ count: Int) throws(XDPError) {
        let result = frame.withUnsafeBytes { bytes in
            var options = bpf_test_run_opts()
            options.sz = MemoryLayout<bpf_test_run_opts>.offset(of: \.batch_size)! + 4
            options.data_in = bytes.baseAddress
            options.data_size_in = UInt32(bytes.count)
            options.repeat = Int32(count)
            options.flags = 1 << 1  // BPF_F_TEST_XDP_LIVE_FRAMES
            options.batch_size = 64
            return bpf_prog_test_run_opts(program.number, &options)
        }
        guard result == 0 else { throw .kernel(-result, "send from inside the kernel", device: device) }
    }

    /// `n = counter++; stamp the frame as the n-th; return bpf_redirect(device, 0)`.
    private static func stampAndSend(
        _ frame: BenchFrame, counter: Int32, flows: Range<Int32>, device: Int32
    ) -> [BPFInstruction] {
        typealias B = BPFInstruction
        let stamp = Int16(frame.stampOffset)
        let flow = stamp + Int16(MemoryLayout<BenchFrame.Stamp>.offset(of: \.flow)!)
        let sequence = stamp + Int16(MemoryLayout<BenchFrame.Stamp>.offset(of: \.sequence)!)
        let send = [
            B.loadMapValue(.r1, file: counter),
            B.load(.r8, .double, from: .r1, offset: 0),
            B.move(.r2, from: .r8), B.compute(.r2, .add, 1), B.store(.r2, .double, to: .r1, offset: 0),
            B.move(.r3, from: .r8), B.compute(.r3, .modulo, Int32(flows.count)),
            B.compute(.r8, .divide, Int32(flows.count)),
            B.compute(.r3, .add, flows.lowerBound),
            B.store(.r3, .word, to: .r6, offset: flow),
            B.store(.r8, .double, to: .r6, offset: sequence),
            B.compute(.r3, .add, Int32(BenchFrame.firstPort)), B.bigEndian16(.r3),
            B.store(.r3, .half, to: .r6, offset: Int16(frame.sourcePortOffset)),
            B.move(.r1, device), B.move(.r2, 0), B.call(.redirect), B.exit(),
        ].flatMap { $0 }
        let check = [
            // struct xdp_md: data, data_end.
            B.load(.r6, from: .r1, offset: 0), B.load(.r7, from: .r1, offset: 4),
            B.move(.r2, from: .r6), B.compute(.r2, .add, Int32(stamp) + Int32(MemoryLayout<BenchFrame.Stamp>.size)),
            B.skip(Int16(send.count), if: .r2, above: .r7),
        ].flatMap { $0 }
        let abort = [B.move(.r0, Int32(XDP_ABORTED.rawValue)), B.exit()].flatMap { $0 }
        return check + send + abort
    }
}
