// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The control side of BFD: which sessions there are, who wants them, and what became of them.
///
/// Clients (routes, fast reroute, plugins) ask for a session with `register` and hear of its changes; a session that
/// nobody wants any more says AdminDown to its peer and goes. Sessions themselves live on the workers, from when the router
/// has an address that it may speak from until it has none any more.
@ControlPlane
public final class BFDManager {
    /// Named sets of parameters. "default" is the one that holds where none is named.
    public private(set) var profiles: [String: BFDParameters] = ["default": BFDParameters()]
    /// Those that the file has, before any of them is applied.
    var declaredProfiles: Set<String> = []
    var knownProfiles: Set<String> { declaredProfiles.union(profiles.keys) }
    let table = BFDTable()
    let engine: Engine
    let fib: FIB
    let interfaces: IPInterfaces
    let adjacencies: AdjacencyStore
    var sessions: [BFDKey: Session] = [:]
    var bySlot: [Int: Session] = [:]
    var freeSlots: [Int] = []
    private var usedSlots = 0
    var perWorker: [Int]

    /// One session as the control side knows it.
    @ControlPlane
    final class Session {
        let key: BFDKey
        /// Nil over several hops.
        let interface: Interface?
        /// To the peer, with a use counted; 0 over several hops.
        let adjacency: AdjacencyIndex
        /// The router's address that was asked for; nil for whichever is in the peer's network.
        let wanted: IPAddress?
        /// Where it runs; nil while the router has no address to speak from.
        var seat: BFDSeat?
        var parameters: BFDParameters
        var profile: String?
        var clients: [Int: Client] = [:]
        var isAdminDown = false
        var isLeaving = false
        var isGuard = false
        /// The path has failed, and nothing has been heard since that speaks for it.
        var isPathLost = false
        /// The FIB has been told that the peer is lost as a next hop; over several hops alone.
        var isHopLost = false
        /// As last reported.
        var state = BFDState.down
        var diagnostic = BFDDiagnostic.none
        var history: [BFDChange] = []
        var upCount = 0
        var failureCount = 0
        var baseline = BFDCounters()

        init(_ place: Place, adjacency: AdjacencyIndex, parameters: BFDParameters) {
            key = place.key
            interface = place.interface
            wanted = place.wanted
            self.adjacency = adjacency
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
        interfaces.onChange { [weak self] interface, _, _ in self?.addressesChanged(on: interface) }
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
    ///   - guardsNextHop: Whether a failure takes the peer out of service as a next hop: a neighbour for all that is forwarded
    ///     to it, on the worker and at once; over several hops for all routes that lead through its address, by the control side.
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
            name: client, guardsNextHop: guardsNextHop, onChange: onChange)
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
        guard session.seat != nil else { return remove(session) }
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

    func find(_ target: BFDTarget) throws(RouteError) -> Session? {
        sessions[try resolve(target).key]
    }

    /// What a target comes to, whatever the state of the router's address.
    struct Place {
        let key: BFDKey
        /// Nil over several hops.
        let interface: Interface?
        let wanted: IPAddress?
    }

    func resolve(_ target: BFDTarget) throws(RouteError) -> Place {
        if target.isMultihop { return try resolveMultihop(target) }
        let interface = try interfaces.resolve(target.peer, on: target.interface, in: target.vrf)
        let own = interfaces.all(of: interface.index).filter { $0.value.isNeighbor(target.peer) }
        if let local = target.local, !own.contains(where: { $0.address == local }) {
            let hint = own.first.map { "give \($0.address)" } ?? "leave it out"
            throw RouteError("\(local) is no address that \(interface.name) has towards \(target.peer)", hint)
        }
        return Place(
            key: .singleHop(interface.index, peer: target.peer), interface: interface, wanted: target.local)
    }

    private func resolveMultihop(_ target: BFDTarget) throws(RouteError) -> Place {
        guard let local = target.local else {
            throw RouteError("a multihop session with \(target.peer) needs its own address", "give `local-address`")
        }
        guard local.family == target.peer.family else {
            throw RouteError("\(local) and \(target.peer) are of two families", "give two of one")
        }
        let table = target.vrf ?? fib.main
        guard !local.isLinkLocal, owner(of: local, in: table) != nil else {
            throw RouteError("\(local) is no address of this router", "give one of an interface's addresses")
        }
        return Place(
            key: .multihop(peer: target.peer, local: local, table: table.index.rawValue), interface: nil, wanted: local)
    }

    private func make(_ target: BFDTarget, _ parameters: BFDParameters) throws(RouteError) -> Session {
        let place = try resolve(target)
        guard sessions.count < BFDTable.capacity else {
            throw RouteError("there are \(BFDTable.capacity) BFD sessions, and no more can be had", "remove some")
        }
        var adjacency: AdjacencyIndex = 0
        if let interface = place.interface {
            adjacency = try adjacencies.adjacency(to: place.key.peer, on: interface)
            adjacencies.retain(adjacency)
        }
        let adjusted = BFDManager.adjusted(parameters, for: place.key)
        let session = Session(place, adjacency: adjacency, parameters: adjusted)
        sessions[place.key] = session
        review(session)
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
        guardNextHop(session)
    }

    private func revive(_ session: Session, _ parameters: BFDParameters) {
        session.isLeaving = false
        session.isAdminDown = false
        session.parameters = BFDManager.adjusted(parameters, for: session.key)
        stage(session, .begin)
    }

    func takeSlot() -> Int? {
        if let slot = freeSlots.popLast() { return slot }
        guard usedSlots < BFDTable.capacity else { return nil }
        usedSlots += 1
        return usedSlots - 1
    }

    /// The session has said goodbye, or has nothing to say it from: nothing of it is left on the worker.
    func remove(_ session: Session) {
        sessions[session.key] = nil
        leaveSeat(session)
        if session.adjacency != 0 { adjacencies.release(session.adjacency) }
    }

    /// Asks something of the session's worker; of one that waits, it is seen to when it has one.
    func post(_ request: BFDRequest, _ session: Session) {
        guard let seat = session.seat else { return }
        engine.post(request.token(seat.slot), to: BFDInput.name, worker: seat.worker)
    }

    func stage(_ session: Session, _ request: BFDRequest) {
        guard let seat = session.seat else { return }
        let (table, slot, parameters) = (table, seat.slot, session.parameters)
        engine.post(request.token(slot), to: BFDInput.name, worker: seat.worker) {
            table[slot].staged = parameters
        }
    }
}
