// SPDX-License-Identifier: Apache-2.0
import Wire

/// What a node did with one packet outside any graph.
public struct Trial<N: Node> {
    public let verdict: Verdict<N.Next, N.Reason>
    /// What the node would say in `show trace`.
    public let trace: N.Trace
    /// The bytes from the node's final position to the packet's end.
    public let bytes: [UInt8]
    public let txInterface: InterfaceIndex
}

extension Node {
    /// Has the node decide about one packet, for unit tests: no engine, no worker.
    ///
    /// - Parameters:
    ///   - frame: The packet from its first byte. The node works on a copy.
    ///   - offset: Where the node stands, 0 to the frame's length.
    public mutating func trial(
        _ frame: [UInt8], at offset: Int = 0, rxInterface: InterfaceIndex = 1, flags: BufferFlags = []
    ) -> Trial<Self> {
        precondition((0...frame.count).contains(offset), "a node stands in its packet")
        let headroom = BufferPool.headroom
        // Room behind the packet too: a node may load a whole word at the packet's last byte.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: headroom + frame.count + 64, alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0xa5, count: headroom + frame.count + 64)
        UnsafeMutableRawBufferPointer(start: memory + headroom, count: frame.count).copyBytes(from: frame)
        var header = BufferHeader(
            data: memory + headroom + offset, start: memory + headroom, length: UInt32(frame.count - offset),
            flags: flags,
            reason: 0, rxInterface: rxInterface, txInterface: 0, adjacency: 0, flowHash: 0, featureCursor: 0,
            traceHandle: 0,
            scratch: (0, 0))
        return withUnsafeMutablePointer(to: &header) { pointer in
            let packet = Packet(pointer)
            var trace = Trace()
            let verdict = decide(packet, &trace)
            return Trial(
                verdict: verdict, trace: trace, bytes: [UInt8](packet.bytes), txInterface: packet.header.txInterface)
        }
    }
}

extension Verdict: Equatable {
    @inlinable
    public static func == (a: Verdict, b: Verdict) -> Bool { a.code == b.code }
}

extension Verdict: CustomStringConvertible {
    /// "to lookup", "drop ttl-expired", "next feature", "kept".
    public var description: String {
        if code == .nextFeature { return "next feature" }
        if code == .kept { return "kept" }
        if code & .dropFlag != 0 { return "drop \(Reason(rawValue: code & ~.dropFlag)?.name ?? "\(code)")" }
        return "to \(Next(rawValue: code)?.name ?? "\(code)")"
    }
}
