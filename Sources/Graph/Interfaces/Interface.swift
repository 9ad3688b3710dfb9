// SPDX-License-Identifier: Apache-2.0

/// One interface as the control side knows it.
@ControlPlane
public final class Interface {
    public nonisolated let name: String
    public nonisolated let index: InterfaceIndex
    /// "af-xdp", "tap", "pcap", ...
    public nonisolated let kind: String
    private let table: InterfaceTable
    /// What `show interfaces` says beside the counters: mode, queues, ...
    public var details: [(name: String, value: String)] = []
    /// Bits per second, 0 when unknown.
    public var speed: UInt64 = 0
    /// The ports by which its frames come and go, for one that has no device of its own and whose ports have: a bundle's
    /// members. What watches the interface's frames on the wire watches them there.
    public var members: [Interface] = [] {
        didSet { for observer in observers { observer(self) } }
    }
    private var observers: [@ControlPlane (Interface) -> Void] = []

    init(name: String, index: InterfaceIndex, kind: String, table: InterfaceTable) {
        self.name = name
        self.index = index
        self.kind = kind
        self.table = table
        table[index].parent = index
        table[index].mtu = 1500
        table[index].outputArc = InterfaceRecord.noArc
        table[index].flags = [.adminUp]
    }

    /// Six bytes in wire order in the low bytes of a little-endian integer; see `InterfaceRecord.mac`.
    public var mac: UInt64 {
        get { table[index].mac }
        set { change { $0.mac = newValue } }
    }

    /// The longest network-layer packet, bytes.
    public var mtu: Int {
        get { Int(table[index].mtu) }
        set { change { $0.mtu = UInt32(newValue) } }
    }

    public var isLinkUp: Bool {
        get { table[index].flags.contains(.linkUp) }
        set { setFlag(.linkUp, newValue) }
    }

    public var isAdminUp: Bool {
        get { table[index].flags.contains(.adminUp) }
        set { setFlag(.adminUp, newValue) }
    }

    public var flags: InterfaceFlags { table[index].flags }

    /// Its state for people: "up", "no link", "down" as the operator wants it, "no device".
    public var stateName: String {
        if flags.contains(.absent) { return "no device" }
        return isAdminUp ? isLinkUp ? "up" : "no link" : "down"
    }

    /// Switches a flag; observers hear of it if that is news.
    public func setFlag(_ flag: InterfaceFlags, _ isOn: Bool) {
        guard table[index].flags.contains(flag) != isOn else { return }
        change { if isOn { $0.flags.insert(flag) } else { $0.flags.remove(flag) } }
    }

    /// Calls `body` after each change of address, MTU, link or admin state, or of the members.
    public func onChange(_ body: @escaping @ControlPlane (Interface) -> Void) { observers.append(body) }

    private func change(_ body: (inout InterfaceRecord) -> Void) {
        body(&table[index])
        for observer in observers { observer(self) }
    }
}
