// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// An interface without a device: what a test sends comes in here, what leaves is kept for the test to look at.
@ControlPlane
final class BenchPort {
    let interface: Interface
    private let input = FrameQueue()
    private let output = FrameQueue()

    var name: String { interface.name }
    var mac: MACAddress { MACAddress(littleEndian: interface.mac) }

    init(_ name: String, mac: MACAddress, mtu: Int = 1500, engine: Engine) {
        interface = engine.createInterface(name, kind: "test")
        interface.mac = mac.littleEndianValue
        interface.mtu = mtu
        interface.isLinkUp = true
        let (input, output, index) = (input, output, interface.index)
        engine.add(
            NodeDescriptor(input: BenchInput.self, name: "\(name)-rx") { seat in
                BenchInput(seat.worker == 0 ? input : FrameQueue(), interface: index)
            })
        engine.attach(
            interface, output: NodeDescriptor(output: BenchOutput.self, name: "\(name)-tx") { _ in BenchOutput(output) }
        )
    }

    /// Has the frame come in with the next step of the engine.
    func send(_ frame: [UInt8]) { input.append(frame) }

    /// The frames that left since the last call.
    func takeSent() -> [[UInt8]] { output.takeAll() }
}

/// Frames between a test and a node. Engine and test take turns on one thread, so nothing is locked.
final class FrameQueue: @unchecked Sendable {
    private var frames: [[UInt8]] = []

    var isEmpty: Bool { frames.isEmpty }

    func append(_ frame: [UInt8]) { frames.append(frame) }

    func takeFirst(_ limit: Int) -> [[UInt8]] {
        let first = Array(frames.prefix(limit))
        frames.removeFirst(first.count)
        return first
    }

    func takeAll() -> [[UInt8]] { takeFirst(frames.count) }
}

/// Brings a test's frames in, copied into fresh buffers.
struct BenchInput: InputNode {
    static let name = "bench-rx"

    enum Next: UInt16, NextNode {
        case ethernet

        var node: String { "ethernet-input" }
    }

    private let queue: FrameQueue
    private let interface: InterfaceIndex

    init(_ queue: FrameQueue, interface: InterfaceIndex) {
        self.queue = queue
        self.interface = interface
    }

    var isFinished: Bool { queue.isEmpty }

    mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        let packets = queue.takeFirst(Frame.capacity)
        let count = context.allocate(packets.count, into: frame)
        for (position, bytes) in packets.prefix(count).enumerated() {
            let packet = context.packet(frame[position])
            packet.header.data.copyMemory(from: bytes, byteCount: bytes.count)
            packet.truncate(to: bytes.count)
            packet.header.rxInterface = interface
        }
        context.countReceived(
            packets: count, bytes: packets.prefix(count).reduce(0) { $0 + $1.count }, interface: interface)
        return count > 0
    }
}

/// Keeps a copy of each frame and frees its buffer.
struct BenchOutput: OutputNode {
    static let name = "bench-tx"

    private let queue: FrameQueue

    init(_ queue: FrameQueue) { self.queue = queue }

    mutating func process(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            queue.append([UInt8](context.packet(frame[position]).bytes))
            context.decide(position, Verdict<NoNext, NoReason>.kept)
        }
        context.free(frame.indices, count: frame.count)
    }

    mutating func flush(_ context: Context) -> Bool { true }
}
