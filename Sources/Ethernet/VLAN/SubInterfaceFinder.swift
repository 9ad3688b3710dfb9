// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Tells whose a port's frame is, as `ethernet-input` decides it, for features that see frames at the port: as received, or as
/// they leave.
///
/// Any thread.
public struct SubInterfaceFinder: BitwiseCopyable, Sendable {
    private let interfaces: InterfaceTable
    private let tags: TagTable

    init(interfaces: InterfaceTable, tags: TagTable) {
        self.interfaces = interfaces
        self.tags = tags
    }

    /// The sub-interface of `port` that takes a frame with these tags, or with none; 0 for none.
    /// - Parameter frame: From its destination address on.
    public func interface(of frame: Bytes, on port: InterfaceIndex) -> InterfaceIndex {
        guard frame.count >= EthernetView.length else { return 0 }
        return tags.classify(frame, port: interfaces[port].tagTable).interface
    }
}
