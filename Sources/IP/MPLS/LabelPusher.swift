// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// How paths put labels in front of packets, and which of a path and its backup does.
struct LabelPusher: BitwiseCopyable, Sendable {
    let paths: PathTable
    let adjacencies: AdjacencyTable

    /// What becomes of a packet on a path: `path` itself or its backup's, `rewrite` for a backup that is only a neighbour,
    /// `discard` when the backup can't be used either.
    @inline(__always)
    func choose(_ index: UInt32, _ packet: Packet) -> Forwarding {
        let path = paths[index]
        guard path.backup != .noRoute, adjacencies[path.adjacency].status.isDown else {
            return Forwarding(path: index)
        }
        return chooseBackup(index, packet)
    }

    @inline(never)
    private func chooseBackup(_ index: UInt32, _ packet: Packet) -> Forwarding {
        guard !packet.header.flags.contains(.pinned) else { return Forwarding(path: index) }
        let backup = paths[index].backup
        if paths[index].firstOnBackup == 0 { paths[index].firstOnBackup = Clock.now }
        return backup
    }

    /// Puts a path's labels in front of what stands at the current position, and its adjacency into the packet.
    /// - Parameters:
    ///   - inner: Of what stands there, the TTL and the traffic class, for paths of uniform mode.
    ///   - isBottom: What stands there is no label.
    ///   - count: How many of the labels, from the outermost; all if absent.
    @inline(__always)
    func push(
        _ index: UInt32, onto packet: Packet, inner: (timeToLive: UInt8, trafficClass: UInt8), isBottom: Bool,
        count: Int? = nil
    ) {
        let path = paths[index]
        let isUniform = path.mode == .uniform
        let timeToLive = isUniform ? inner.timeToLive : LabelPusher.pipeTimeToLive
        let trafficClass = isUniform ? inner.trafficClass : 0
        var position = (count ?? Int(path.labelCount)) &- 1
        var isBottom = isBottom
        while position >= 0 {
            let label = MPLSLabel(rawValue: paths.label(position, of: index))
            let entry = MPLSEntry(label, trafficClass: trafficClass, isBottom: isBottom, timeToLive: timeToLive)
            packet.rewind(MPLSView.length)
            packet.bytes.storeNetwork(entry.rawValue, at: 0)
            isBottom = false
            position &-= 1
        }
        packet.header.adjacency = path.adjacency
    }

    static var pipeTimeToLive: UInt8 { 255 }

    /// The longest packet that fits in front of a path's labels, bytes: less than the path's MTU while its neighbour's backup
    /// pushes more.
    @inline(never)
    func mtu(behind index: UInt32) -> UInt32 {
        let path = paths[index]
        let adjacency = adjacencies[path.adjacency]
        guard adjacency.status.isDown, adjacency.backup.kind == .path else { return path.mtu }
        let labels = UInt32(path.labelCount) &* UInt32(MPLSView.length)
        let bypass = paths[adjacency.backup.index].mtu
        return bypass &- min(bypass, labels)
    }
}

extension Forwarding {
    /// Without the check of the index: it comes from a table.
    @inline(__always)
    fileprivate init(path index: UInt32) {
        self.init(rawValue: Forwarding.Kind.path.rawValue << Forwarding.kindShift | index)
    }
}

extension PathTable {
    /// One of a path's labels, of which the outermost is 0.
    @inline(__always)
    func label(_ position: Int, of index: UInt32) -> UInt32 {
        UnsafeRawPointer(records + Int(index & (Forwarding.indexCapacity &- 1)))
            .load(fromByteOffset: position &* MemoryLayout<UInt32>.stride, as: UInt32.self)
    }
}
