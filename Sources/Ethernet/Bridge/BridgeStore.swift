// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// The bridge domains: fills the tables that nodes read, flushes, and has the forwarding database swept.
@ControlPlane
final class BridgeStore {
    /// Stations in all domains together.
    nonisolated static let capacity = 1 << 20

    nonisolated let tally = BridgeTally()
    nonisolated let table = BridgeTable()
    nonisolated let fdb: FDBTable
    nonisolated let counts: PerWorker<BridgeCounts>
    let engine: Engine
    private let tags: TagTable
    private(set) var domains: [BridgeDomain] = []
    /// By number less one.
    private(set) var ports: [(member: BridgeMember, domain: BridgeDomain)] = []
    var sweeper = BridgeSweeper()
    /// What the log was told of full domains: it is told once, until there is room again.
    var lastCounts = BridgeCounts()

    init(engine: Engine, tags: TagTable) {
        self.engine = engine
        self.tags = tags
        fdb = FDBTable(capacity: BridgeStore.capacity, tally: tally)
        counts = PerWorker(BridgeCounts(), workerCount: max(1, engine.options.workerCount))
        engine.addMemoryReport("bridge forwarding database") { [fdb] in fdb.byteCount }
    }

    isolated deinit {
        for domain in domains { table[domain: domain.number].members?.deallocate() }
        fdb.unmap()
        table.unmap()
        tally.unmap()
    }

    subscript(name: String) -> BridgeDomain? { domains.first { $0.name == name } }

    func member(_ interface: InterfaceIndex) -> (member: BridgeMember, domain: BridgeDomain)? {
        ports.first { $0.member.interface.index == interface }
    }

    /// The member that is a bridge port; nil for 0 and for numbers that none has.
    func member(port: UInt32) -> BridgeMember? {
        port > 0 && Int(port) <= ports.count ? ports[Int(port) - 1].member : nil
    }

    /// All workers together.
    var total: BridgeCounts { counts.values.reduce(BridgeCounts(), +) }

    // MARK: - Building

    /// Makes a domain without members.
    func add(_ domain: BridgeDomain) {
        tally.setLimit(domain.limit, ofDomain: domain.number)
        if domain.unknownUnicast != .flood { table[domain: domain.number].unknownUnicast = BridgeDomainRecord.drop }
        domains.append(domain)
    }

    /// From here on the interface's frames are the domain's.
    /// - Parameters:
    ///   - group: The split-horizon group, 0 for none.
    ///   - limit: Stations at most.
    ///   - drops: Whether frames of stations beyond a limit are dropped.
    func add(_ interface: Interface, to domain: BridgeDomain, group: UInt16, limit: Int?, drops: Bool) {
        let number = UInt32(ports.count + 1)
        let record = engine.interfaceTable[interface.index]
        let isBVI = interface.kind == BVIDriver.kind
        var port = BridgePortRecord()
        port.interface = interface.index
        port.transmit = record.parent
        port.domain = domain.number
        port.group = group
        port.flags = isBVI ? [.forwarding, .bvi] : [.forwarding, .learning]
        if drops { port.flags.insert(.dropsAtLimit) }
        if record.parent != interface.index {
            let own = tags.tags(of: interface.index).pointee
            port.flags.insert(.subinterface)
            engine.interfaces[Int(record.parent) - 1].setFlag(.bridgesTagged, true)
            port.outerTag = own.outer & BridgePortRecord.tagMask
            port.innerTag = own.inner & BridgePortRecord.tagMask
        }
        tally.assign(number, to: domain.number)
        tally.setLimit(limit ?? domain.limit, ofPort: number)
        table[port: number] = port
        let member = BridgeMember(interface: interface, port: number, group: group, limit: limit, isBVI: isBVI)
        ports.append((member, domain))
        domain.members.append(member)
        engine.interfaceTable[interface.index].bridgePort = number
        if isBVI {
            interface.isLinkUp = true
            follow(interface, number, domain.number)
        } else {
            interface.setFlag(.bridged, true)
        }
        if case .member(interface.name) = domain.unknownUnicast {
            table[domain: domain.number].unknownUnicast = number
        }
        publishMembers(of: domain)
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
