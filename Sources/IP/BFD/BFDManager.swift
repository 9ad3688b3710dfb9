// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The control side of BFD: which sessions there are, who wants them, and what became of them.
///
/// Clients (routes, fast reroute, plugins) ask for a session with `register` and hear of its changes; a session that
/// nobody wants any more says AdminDown to its peer and goes. Sessions themselves live on the workers.
@ControlPlane
public final class BFDManager {
    /// Named sets of parameters. "default" is the one that holds where none is named.
    public private(set) var profiles: [String: BFDParameters] = ["default": BFDParameters()]
    /// Those that the file has, before any of them is applied.
    var declaredProfiles: Set<String> = []
    var knownProfiles: Set<String> { declaredProfiles.union(profiles.keys) }
    let table = BFDTable()
    let engine: Engine
    private let fib: FIB
    private let interfaces: IPInterfaces
    let adjacencies: AdjacencyStore
    var sessions: [BFDKey: Session] = [:]
    var bySlot: [Int: Session] = [:]
    private var freeSlots: [Int] = []
    private var usedSlots = 0
    private var perWorker: [Int]

    /// One session as the control side knows it.
    @ControlPlane
    final class Session {
        let key: BFDKey
        let local: IPAddress
        let interface: Interface?
        let slot: Int
        let worker: Int
        var parameters: BFDParameters
        var profile: String?
        var clients: [Int: Client] = [:]
        var isAdminDown = false
        var isLeaving = false
        var isGuard = false
        /// As last reported.
        var state = BFDState.down
        var diagnostic = BFDDiagnostic.none
        var history: [BFDChange] = []
        var upCount = 0
        var failureCount = 0
        var baseline = BFDCounters()

        init(
            key: BFDKey, local: IPAddress, interface: Interface?, slot: Int, worker: Int, parameters: BFDParameters
        ) {
            self.key = key
            self.local = local
            self.interface = interface
            self.slot = slot
            self.worker = worker
            self.parameters = parameters
        }
    }

    struct Client {
        let name: String
        let guardsNextHop: Bool
        let onChange: @ControlPlane (BFDChange) -> Void
    }

    private var nextClient = 1

    init(engine: Engine, interfaces: IPInterfaces, fib: FIB) {
        self.engine = engine
        self.interfaces = interfaces
        self.fib = fib
        adjacencies = fib.adjacencies
        perWorker = engine.workers.map { _ in 0 }
    }

    isolated deinit { table.unmap() }

    /// Sessions, those included that are saying goodbye.
    public var count: Int { sessions.count }

    // MARK: - Clients

    /// Asks for a session with `target`; made when there is none, shared when there is.
    ///
    /// - Parameters:
    ///   - client: Who asks, for `show bfd`.
    ///   - parameters: For a session that does not exist yet; one that the configuration declares keeps its own.
    ///   - guardsNextHop: Whether a failure takes the neighbour out of service for all that is forwarded to it, on the
    ///     worker and at once. Single hop only.
    ///   - onChange: Called on every change of state from now on.
    /// - Throws: `RouteError` when no session with that peer can be had.
    public func register(
        _ target: BFDTarget, client: String, parameters: BFDParameters? = nil, guardsNextHop: Bool = true,
        onChange: @escaping @ControlPlane (BFDChange) -> Void = { _ in }
    ) throws(RouteError) -> BFDRegistration {
        let session: Session
        if let known = try find(target) {
            session = known
        } else {
            session = try make(target, parameters ?? profiles["default"]!)
        }
        if session.isLeaving { revive(session, parameters ?? session.parameters) }
        let number = nextClient
        nextClient += 1
        session.clients[number] = Client(
            name: client, guardsNextHop: guardsNextHop && session.interface != nil, onChange: onChange)
        updateGuard(session)
        return BFDRegistration(key: session.key, number: number)
    }

    /// A session that the configuration declares: its parameters are its own, or its profile's.
    func declare(
        _ target: BFDTarget, _ parameters: BFDParameters, profile: String, guardsNextHop: Bool
    ) throws(RouteError) {
        if let known = try find(target), !known.isLeaving {
            throw RouteError("there is a session with \(target.peer) already", "keep one of them")
        }
        let registration = try register(
            target, client: "configuration", parameters: parameters, guardsNextHop: guardsNextHop)
        if parameters == profiles[profile] { sessions[registration.key]?.profile = profile }
    }

    /// Says that a client needs its session no longer. The last one's release ends the session.
    public func release(_ registration: BFDRegistration) {
        guard let session = sessions[registration.key], session.clients.removeValue(forKey: registration.number) != nil
        else { return }
        updateGuard(session)
        guard session.clients.isEmpty else { return }
        session.isLeaving = true
        post(.leave, session)
    }

    /// The session's state as last reported; nil when it has gone.
    public func state(of registration: BFDRegistration) -> BFDState? { sessions[registration.key]?.state }

    /// Gives a session other parameters while it runs: intervals by a poll sequence, without a flap.
    public func set(_ parameters: BFDParameters, of registration: BFDRegistration) {
        guard let session = sessions[registration.key] else { return }
        set(parameters, of: session)
    }

    /// Takes a session out of service, or back into it. Clients hear of it as no failure of the path.
    public func setAdminDown(_ isDown: Bool, of registration: BFDRegistration) {
        if let session = sessions[registration.key] { setAdminDown(isDown, of: session) }
    }

    func set(_ parameters: BFDParameters, of session: Session) {
        session.parameters = BFDManager.adjusted(parameters, for: session.key)
        stage(session, .change)
    }

    func setAdminDown(_ isDown: Bool, of session: Session) {
        session.isAdminDown = isDown
        post(isDown ? .adminDown : .adminUp, session)
    }

    // MARK: - Profiles

    /// Defines a profile, or changes it for all sessions that have it.
    public func setProfile(_ name: String, _ parameters: BFDParameters) {
        profiles[name] = parameters
        for session in sessions.values where session.profile == name { set(parameters, of: session) }
    }

    // MARK: - Making and removing

    private func find(_ target: BFDTarget) throws(RouteError) -> Session? {
        sessions[try resolve(target).key]
    }

    /// What a target comes to: its key, the router's address, and the interface that has it.
    private typealias Resolved = (key: BFDKey, local: IPAddress, interface: Interface)

    private func resolve(_ target: BFDTarget) throws(RouteError) -> Resolved {
        if target.isMultihop { return try resolveMultihop(target) }
        let interface = try interfaces.resolve(target.peer, on: target.interface, in: target.vrf)
        guard let own = interfaces.address(of: interface.index, facing: target.peer) else {
            throw RouteError.unreachable(target.peer, on: interface.name)
        }
        if let local = target.local, local != own.address {
            throw RouteError(
                "\(local) is not the address that \(interface.name) has towards \(target.peer)", "give \(own.address)")
        }
        return (.singleHop(interface.index, peer: target.peer), own.address, interface)
    }

    private func resolveMultihop(_ target: BFDTarget) throws(RouteError) -> Resolved {
        guard let local = target.local else {
            throw RouteError("a multihop session with \(target.peer) needs its own address", "give `local-address`")
        }
        guard local.family == target.peer.family else {
            throw RouteError("\(local) and \(target.peer) are of two families", "give two of one")
        }
        let table = target.vrf ?? fib.main
        let owner = interfaces.indices.first { index in
            guard let interface = interfaces.interface(index), fib.table(of: interface) === table else { return false }
            return interfaces.owner(of: local, near: interface) == index
        }
        guard let owner, let interface = interfaces.interface(owner), !local.isLinkLocal else {
            throw RouteError("\(local) is no address of this router", "give one of an interface's addresses")
        }
        return (.multihop(peer: target.peer, local: local, table: table.index.rawValue), local, interface)
    }

    private func make(_ target: BFDTarget, _ parameters: BFDParameters) throws(RouteError) -> Session {
        let (key, local, interface) = try resolve(target)
        guard let slot = takeSlot() else {
            throw RouteError("there are \(BFDTable.capacity) BFD sessions, and no more can be had", "remove some")
        }
        let isMultihop = key.interface == 0
        var adjacency: AdjacencyIndex = 0
        if !isMultihop {
            adjacency = try adjacencies.adjacency(to: key.peer, on: interface)
            adjacencies.retain(adjacency)
        }
        let worker = perWorker.indices.min { perWorker[$0] < perWorker[$1] } ?? 0
        perWorker[worker] += 1
        let adjusted = BFDManager.adjusted(parameters, for: key)
        let session = Session(
            key: key, local: local, interface: isMultihop ? nil : interface, slot: slot, worker: worker,
            parameters: adjusted)
        let discriminator = UInt32.random(in: 1...0xffff) << 16 | UInt32(slot)
        let protocolSession = BFDSession(
            discriminator: discriminator, parameters: adjusted, now: MicrosecondClock().microseconds(Clock.now),
            seed: .random(in: 1 ... .max))
        table.publish(
            slot,
            BFDSlot(
                discriminator: discriminator, worker: UInt16(worker),
                sourcePort: BFDPort.firstSource + UInt16(slot % 0x4000), key: key, local: local, adjacency: adjacency,
                viaInterface: isMultihop ? interface.index : 0, cookie: .random(in: .min ... .max),
                session: protocolSession, staged: adjusted))
        sessions[key] = session
        bySlot[slot] = session
        stage(session, .begin)
        return session
    }

    /// Several hops have no echo function (RFC 5883 section 3).
    private static func adjusted(_ parameters: BFDParameters, for key: BFDKey) -> BFDParameters {
        var adjusted = parameters
        if key.interface == 0 {
            adjusted.echoInterval = 0
            adjusted.echoReceiveInterval = 0
        }
        return adjusted
    }

    private func updateGuard(_ session: Session) {
        let isGuard = session.clients.values.contains(where: \.guardsNextHop)
        guard isGuard != session.isGuard else { return }
        session.isGuard = isGuard
        post(isGuard ? .guardOn : .guardOff, session)
    }

    private func revive(_ session: Session, _ parameters: BFDParameters) {
        session.isLeaving = false
        session.isAdminDown = false
        session.parameters = BFDManager.adjusted(parameters, for: session.key)
        stage(session, .begin)
    }

    private func takeSlot() -> Int? {
        if let slot = freeSlots.popLast() { return slot }
        guard usedSlots < BFDTable.capacity else { return nil }
        usedSlots += 1
        return usedSlots - 1
    }

    /// The session has said goodbye: nothing of it is left on the worker.
    func remove(_ session: Session) {
        let adjacency = table[session.slot].adjacency
        table.withdraw(session.slot)
        sessions[session.key] = nil
        bySlot[session.slot] = nil
        perWorker[session.worker] -= 1
        if adjacency != 0 { adjacencies.release(adjacency) }
        engine.retire { [weak self] in self?.freeSlots.append(session.slot) }
    }

    private func post(_ request: BFDRequest, _ session: Session) {
        engine.post(request.token(session.slot), to: BFDInput.name, worker: session.worker)
    }

    private func stage(_ session: Session, _ request: BFDRequest) {
        let (table, slot, parameters) = (table, session.slot, session.parameters)
        engine.post(request.token(slot), to: BFDInput.name, worker: session.worker) {
            table[slot].staged = parameters
        }
    }
}
