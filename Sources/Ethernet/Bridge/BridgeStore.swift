// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// The bridge domains: fills the tables that nodes read, flushes, and has the forwarding database swept.
///
/// What is public is for plugins: spanning trees set states, flush, and get the BPDUs of ports.
@ControlPlane
public final class BridgeStore {
    /// Stations in all domains together.
    nonisolated static let capacity = 1 << 20

    nonisolated let tally = BridgeTally()
    nonisolated let table = BridgeTable()
    nonisolated let fdb: FDBTable
    nonisolated let counts: PerWorker<BridgeCounts>
    nonisolated let scratch: PerWorker<BridgeInput.Scratch>
    nonisolated let listeners = BridgeListeners()
    let engine: Engine
    private let tags: TagTable
    private(set) var domains: [BridgeDomain] = []
    private(set) var ports: [(member: BridgeMember, domain: BridgeDomain)] = []
    private var members: [UInt32: BridgeMember] = [:]
    /// Of bridge ports and of ends of cross-connects.
    private var portCount: UInt32 = 0
    /// By bridge port; workers use them as long as the router runs.
    private var storms: [UInt32: StormControl] = [:]
    var states = BridgePortStates()
    var connections: [Connection] = []
    var sweeper = BridgeSweeper()
    /// What the log was told of full domains: it is told once, until there is room again.
    var lastCounts = BridgeCounts()

    init(engine: Engine, tags: TagTable) {
        self.engine = engine
        self.tags = tags
        fdb = FDBTable(capacity: BridgeStore.capacity, tally: tally)
        counts = PerWorker(BridgeCounts(), workerCount: max(1, engine.options.workerCount))
        scratch = PerWorker(BridgeInput.Scratch(), workerCount: max(1, engine.options.workerCount))
        engine.addMemoryReport("bridge forwarding database") { [fdb] in fdb.byteCount }
    }

    isolated deinit {
        for domain in domains {
            table[domain: domain.number].members?.deallocate()
            table[domain: domain.number].arp?.pointee.deallocate()
            table[domain: domain.number].arp?.deallocate()
        }
        fdb.unmap()
        table.unmap()
        tally.unmap()
    }

    /// A cross-connect.
    struct Connection {
        let name: String
        /// The two.
        let ends: [Interface]
    }

    subscript(name: String) -> BridgeDomain? { domains.first { $0.name == name } }

    func member(_ interface: InterfaceIndex) -> (member: BridgeMember, domain: BridgeDomain)? {
        ports.first { $0.member.interface.index == interface }
    }

    /// The member that is a bridge port; nil for 0 and for numbers that none has.
    func member(port: UInt32) -> BridgeMember? { members[port] }

    /// All workers together.
    var total: BridgeCounts { counts.values.reduce(BridgeCounts(), +) }

    // MARK: - Building

    /// Makes a domain without members.
    /// - Parameter arp: The stations whose addresses the domain answers for.
    func add(_ domain: BridgeDomain, moves: MoveDamper.Limit = .init(), arp: [IPv4Address: MACAddress] = [:]) {
        tally.setLimit(domain.limit, ofDomain: domain.number)
        fdb.damper.setLimit(moves, ofDomain: domain.number)
        if domain.unknownUnicast != .flood { table[domain: domain.number].unknownUnicast = BridgeDomainRecord.drop }
        if !arp.isEmpty {
            let known = UnsafeMutablePointer<ARPTerminationTable>.allocate(capacity: 1)
            known.initialize(to: ARPTerminationTable(arp))
            table[domain: domain.number].arp = known
        }
        domains.append(domain)
    }

    /// From here on the interface's frames are the domain's.
    /// - Parameter flags: What the domain says of all its ports.
    func add(
        _ interface: Interface, as entry: BridgeMemberEntry, to domain: BridgeDomain, flags: BridgePortFlags = []
    ) {
        let isBVI = interface.kind == BVIDriver.kind
        var (number, port) = makePort(interface)
        port.domain = domain.number
        port.group = entry.group
        port.control = entry.control
        port.flags.formUnion(flags.union(isBVI ? [.forwarding, .bvi] : .active))
        if let storm = entry.storm {
            let control = StormControl(storm)
            storms[number] = control
            table[storm: number] = Unmanaged.passUnretained(control)
            port.flags.insert(.limitsFloods)
        }
        tally.assign(number, to: domain.number)
        tally.setLimit(entry.limit ?? domain.limit, ofPort: number)
        table[port: number] = port
        let member = BridgeMember(
            interface: interface, port: number, group: entry.group, limit: entry.limit, isBVI: isBVI, entry: entry)
        ports.append((member, domain))
        members[number] = member
        domain.members.append(member)
        if isBVI {
            engine.interfaceTable[interface.index].bridgePort = number
            interface.isLinkUp = true
            follow(interface, number, domain.number)
        } else {
            open(interface, number)
        }
        if case .member(interface.name) = domain.unknownUnicast {
            table[domain: domain.number].unknownUnicast = number
        }
        publishMembers(of: domain)
    }

    /// From here on the frames of each of two interfaces leave by the other, whatever they are.
    func connect(_ one: Interface, _ other: Interface) {
        var (first, port) = makePort(one)
        var (second, peer) = makePort(other)
        (port.peer, peer.peer) = (second, first)
        for (interface, number, record) in [(one, first, port), (other, second, peer)] {
            table[port: number] = record
            table[port: number].flags.insert(.forwarding)
            interface.setFlag(.crossConnected, true)
        }
        open(one, first)
        open(other, second)
    }

    /// The record of a new port, which is nobody's yet.
    private func makePort(_ interface: Interface) -> (number: UInt32, record: BridgePortRecord) {
        portCount += 1
        var port = BridgePortRecord()
        port.interface = interface.index
        port.transmit = engine.interfaceTable[interface.index].parent
        if port.transmit != interface.index {
            port.flags.insert(.subinterface)
            port.vlan = UInt16(truncatingIfNeeded: tags.subinterface(interface.index).pointee.outer.bigEndian) & 0xfff
        }
        return (portCount, port)
    }

    /// Leads an interface's frames to its bridge port, whose record is complete.
    private func open(_ interface: Interface, _ number: UInt32) {
        let port = engine.interfaces[Int(table[port: number].transmit) - 1]
        if port === interface {
            followLength(of: port, number)
        } else {
            // How long its frames are is known once their tags are those with which they leave.
            port.setFlag(.bridgesTagged, true)
        }
        engine.interfaceTable[interface.index].bridgePort = number
        interface.setFlag(.bridged, true)
    }

    /// Frames may be as long as the port takes packets, with their Ethernet header and one tag (802.3 clause 3.2.7).
    private func followLength(of port: Interface, _ number: UInt32) {
        func set(_ port: Interface) {
            table[port: number].longest = UInt32(port.mtu + EthernetView.length + VLANView.length)
        }
        set(port)
        port.onChange { [weak self] port in
            guard self != nil else { return }
            set(port)
        }
    }

    /// A BVI's own station is where it is, whatever traffic says.
    private func follow(_ interface: Interface, _ port: UInt32, _ domain: UInt16) {
        var mac = interface.mac
        _ = fdb.setStatic(FDBKey(mac, domain: domain), port: port)
        interface.onChange { [weak self] interface in
            guard let self, interface.mac != mac else { return }
            fdb.remove(FDBKey(mac, domain: domain))
            mac = interface.mac
            _ = fdb.setStatic(FDBKey(mac, domain: domain), port: port)
        }
    }

    private func publishMembers(of domain: BridgeDomain) {
        let list = UnsafeMutablePointer<UInt32>.allocate(capacity: domain.members.count + 1)
        list.initialize(to: UInt32(domain.members.count))
        for (position, member) in domain.members.enumerated() { (list + position + 1).initialize(to: member.port) }
        let old = table[domain: domain.number].members
        table[domain: domain.number].members = list
        if let old { engine.retire { old.deallocate() } }
    }

    /// Binds a station to a member. False when there is no room in the forwarding database.
    func setStatic(_ station: MACAddress, to member: BridgeMember, in domain: BridgeDomain) -> Bool {
        fdb.setStatic(FDBKey(station.littleEndianValue, domain: domain.number), port: member.port)
    }

    // MARK: - Flushing

    /// Forgets the stations learned on a member. Workers go on; the places are freed by and by.
    /// - Returns: How many those were.
    @discardableResult
    func flush(_ member: BridgeMember) -> Int {
        let count = tally.flush(member.port)
        sweeper.noteFlush(self)
        return count
    }

    /// Forgets the stations learned in a domain.
    @discardableResult
    func flush(_ domain: BridgeDomain) -> Int { domain.members.reduce(0) { $0 + flush($1) } }

    /// Forgets one station of a domain, unless it is static. False when it was not there.
    func forget(_ station: MACAddress, in domain: BridgeDomain) -> Bool {
        let key = FDBKey(station.littleEndianValue, domain: domain.number)
        let value = fdb.lookUp(key)
        guard value.port != 0, !value.isStatic else { return false }
        return fdb.remove(key)
    }
}
