// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Wire

/// ERSPAN: mirrored frames to an analyser anywhere, and from other routers.
@ControlPlane
public final class ERSPANModule: Module {
    public nonisolated static let name = "erspan"

    private(set) var engine: Engine!
    private(set) var ip: IPModule!
    private nonisolated let table = TunnelTable<ERSPANRecord>()
    private var counters: ERSPANCounters!
    /// By number, from 1.
    private var sessions: [ERSPANSession] = []

    public init() {}

    isolated deinit { table.unmap() }

    public func register(in registry: Registry) {
        guard let ip = registry.module(IPModule.self) else { preconditionFailure("ERSPAN needs the module ip") }
        self.ip = ip
        engine = registry.engine
        let counters = ERSPANCounters(workerCount: registry.engine.workers.count)
        self.counters = counters
        let (table, readers, endpoints) = (table, ip.fib.readers, ip.tunnels.endpoints)
        registry.add(NodeDescriptor(ERSPANOutput.self) { ERSPANOutput($0, tunnels: table) })
        registry.add(
            NodeDescriptor(ERSPANInput.self) { seat in
                ERSPANInput(
                    seat, tables: readers, tunnels: table, endpoints: endpoints, counts: counters.seat(seat.worker))
            })
        do {
            for type in [EtherType.erspan2, .erspan3] { try ip.tunnels.claim(type, for: ERSPANInput.name) }
        } catch {
            preconditionFailure("\(error)")
        }
        registry.module(MirrorModule.self)?.sessions.way = { [weak self] in self?.destination(of: $0) }
        registry.add(driver)
        registry.add(showERSPAN)
    }

    /// All interfaces are there.
    public func start() throws {
        for session in sessions {
            guard let exit = session.settings.exit.flatMap(engine.interface(named:)) else { continue }
            if exit.kind == session.interface.kind { table[session.number].options.insert(.exitCuts) }
            table[session.number].exit = exit.index
        }
    }

    /// Where an interface's copies go, if it is an `erspan` interface.
    public func destination(of interface: Interface) -> (any MirrorDestination)? {
        let number = Int(table.number(of: interface.index))
        return number > 0 && number <= sessions.count ? sessions[number - 1] : nil
    }

    // MARK: - Making

    func create(_ name: String, _ settings: ERSPANSettings, _ setting: Setting) throws -> Interface {
        guard engine.interface(named: name) == nil else {
            throw ConfigurationError(at: nil, path: "interfaces.\(name)", "there is an interface of this name already")
        }
        let underlay = try ip.fib.makeTable(named: settings.table)
        let ends = TunnelEnds(local: settings.source, remote: settings.destination, table: underlay.index.rawValue)
        guard sessions.count < EndpointTable.capacity - 1 else {
            throw setting.error(
                "there are \(sessions.count) ERSPAN interfaces, the most that there may be", "have fewer")
        }
        let number = UInt32(sessions.count + 1)
        if let other = ip.tunnels.endpoints.add(ends, settings.selector, number) {
            throw setting.error(
                "\(sessions[Int(other) - 1].interface.name) has the same ends and session",
                "give one of them another session-id"
            )
        }
        let interface = engine.createInterface(name, kind: "erspan")
        table[number] = record(of: settings, interface, underlay, number)
        table.publish(number, as: interface.index)
        try engine.attach(interface, to: ERSPANOutput.name)
        try ip.tunnels.listen()
        let route: TunnelRoute
        do throws(RouteError) {
            route = try ip.tunnels.routes.follow(
                settings.destination, in: underlay, for: interface,
                overhead: settings.overhead + EthernetView.length, mtu: settings.mtu.map { .outer(atMost: $0) })
        } catch {
            throw setting.error(error.problem, error.remedy)
        }
        sessions.append(ERSPANSession(settings, interface: interface, number: number, route: route))
        interface.details = settings.details
        route.onChange { [table] route in
            // What is longer than its frame's payload and the header is cut.
            table[number].longest = UInt32(route.interface.mtu + EthernetView.length)
            route.showWay()
        }
        return interface
    }

    private func record(
        of settings: ERSPANSettings, _ interface: Interface, _ underlay: VRF, _ number: UInt32
    ) -> ERSPANRecord {
        var options: ERSPANRecord.Options = []
        if settings.index != nil { options.insert(.hasIndex) }
        if settings.timestamp == .nanoseconds { options.insert(.nanoseconds) }
        return ERSPANRecord(
            outer: OuterHeader(from: settings.source, to: settings.destination), interface: interface.index,
            table: underlay.index.rawValue, flow: max(1, FlowHash.inner(number, seed: 1)),
            owner: (number - 1) % UInt32(engine.workers.count), index: settings.index ?? 0, longest: 0, exit: 0,
            session: settings.session, version: settings.version, options: options,
            timeToLive: settings.timeToLive, trafficClass: settings.dscp << 2, hardware: settings.hardware,
            overhead: UInt8(settings.overhead))
    }

    // MARK: - Showing

    private var showERSPAN: Command {
        Command(["show", "erspan"], "ERSPAN interfaces: where they lead, and what came in by them") {
            [unowned self] _ in
            ERSPANReport(sessions: sessions.map { row(of: $0) })
        }
    }

    private func row(of session: ERSPANSession) -> ERSPANReport.Row {
        let counts = counters.total(session.number)
        let settings = session.settings
        return ERSPANReport.Row(
            interface: session.interface.name, type: settings.typeName,
            session: settings.version == .typeI ? nil : Int(settings.session), source: settings.source,
            destination: settings.destination, underlayVrf: settings.table, nextHop: session.nextHop,
            isResolved: session.isResolved, problem: session.problem,
            longestFrameBytes: session.interface.mtu + EthernetView.length,
            sent: engine.counters(of: session.interface.index).txPackets, decapsulateTo: settings.exit,
            received: counts.frames, lost: counts.lost, late: counts.late, restarts: counts.restarts,
            truncated: counts.truncated)
    }
}
