// SPDX-License-Identifier: Apache-2.0

/// The names of nodes, drop reasons and interfaces in the stats segment, so that a reader needs no other source.
@ControlPlane
final class StatsNames {
    typealias Name = InlineArray<96, UInt8>

    private let stats: StatsSegment
    private let nodes: UnsafeMutablePointer<Name>
    private let reasons: UnsafeMutablePointer<Name>
    private let interfaces: UnsafeMutablePointer<Name>

    init(_ stats: StatsSegment) {
        self.stats = stats
        nodes = stats.block("/names/nodes", count: Worker.nodeCapacity, of: Name.self)
        reasons = stats.block("/names/drops", count: Worker.reasonCapacity, of: Name.self)
        interfaces = stats.block("/names/interfaces", count: InterfaceTable.capacity, of: Name.self)
    }

    func setNode(_ index: Int, _ name: String) { set(nodes + index, name) }
    func setReason(_ index: Int, node: String, reason: String) { set(reasons + index, "\(node)/\(reason)") }
    func setInterface(_ index: InterfaceIndex, _ name: String) { set(interfaces + Int(index), name) }

    private func set(_ place: UnsafeMutablePointer<Name>, _ name: String) {
        stats.change { _ in
            var value = Name(repeating: 0)
            for (position, byte) in name.utf8.prefix(95).enumerated() { value[position] = byte }
            place.pointee = value
        }
    }
}
