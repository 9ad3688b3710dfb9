// SPDX-License-Identifier: Apache-2.0

/// A packet that a node passed to a process on the control side: a copy.
public struct PuntedPacket: Sendable {
    /// The whole frame from its link header.
    public let bytes: [UInt8]
    /// Where the punting node stood in `bytes`.
    public let offset: Int
    public let rxInterface: InterfaceIndex
    public let adjacency: UInt32
    /// Or the table that it is routed by, as `BufferFlags.hasTable` says.
    public let txInterface: InterfaceIndex
    /// The node's own word.
    public let note: UInt32
    /// `Clock.now` when the node punted it.
    public let clock: UInt64
    public let worker: Int
}

/// A process: what the control side does with punted packets, and how often it did.
struct ProcessState {
    let name: String
    let receive: @ControlPlane (PuntedPacket) -> Void
    var calls = 0
    var packets = 0
}

extension Engine {
    /// Hands waiting punted packets to their processes, at most `limit`, and returns how many there were.
    func receivePunted(limit: Int = 1024) -> Int {
        var count = 0
        for worker in workers {
            while count < limit, let (process, packet) = nextPunted(worker) {
                count += 1
                guard Int(process) < processes.count else { continue }
                processes[Int(process)].calls += 1
                processes[Int(process)].packets += 1
                processes[Int(process)].receive(packet)
            }
        }
        return count
    }

    private func nextPunted(_ worker: Worker) -> (UInt32, PuntedPacket)? {
        var result: (UInt32, PuntedPacket)?
        _ = worker.punts.receive { message in
            let header = message.loadUnaligned(as: PuntHeader.self)
            let bytes = [UInt8](message[MemoryLayout<PuntHeader>.size...])
            result = (
                header.process,
                PuntedPacket(
                    bytes: bytes, offset: Int(header.offset), rxInterface: header.rxInterface,
                    adjacency: header.adjacency, txInterface: header.txInterface, note: header.note,
                    clock: header.clock, worker: worker.number)
            )
        }
        return result
    }

    /// Sends a packet of the control side's own into the graph at `node`, on the given worker.
    ///
    /// - Parameters:
    ///   - txInterface: For packets that go to `interface-output` with their link header in place.
    ///   - adjacency: For packets that go to a rewrite node.
    ///   - flags: None for a packet of somebody else's that the control side held for a while.
    /// - Returns: False when the worker's queue is full or there is no such node; the packet is lost then, as on any wire.
    @discardableResult
    public func inject(
        _ bytes: [UInt8], at node: String, rxInterface: InterfaceIndex = 0, txInterface: InterfaceIndex = 0,
        adjacency: UInt32 = 0, flags: BufferFlags = .locallyOriginated, worker: Int = 0
    ) -> Bool {
        guard let index = topology.index(of: node) else { return false }
        var header = InjectHeader(
            node: UInt32(index), rxInterface: rxInterface, txInterface: txInterface, adjacency: adjacency, flags: flags)
        let sent = withUnsafeBytes(of: &header) { head in
            bytes.withUnsafeBytes { workers[worker].injects.send(head, $0) }
        }
        if sent { workers[worker].wake() }
        return sent
    }
}
