// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Logging
import Synchronization

/// A router's data plane, as the control side sees it: buffers, graph, workers, interfaces and counters.
///
/// Nodes, arcs and processes are declared first; `build` connects them and gives every worker its instances; `start`
/// lets the workers run. Interfaces and their nodes may also be added later.
@ControlPlane
public final class Engine {
    /// What an engine is made with.
    public struct Options: Sendable {
        public var workerCount = 1
        /// The core of each worker; empty leaves the choice to the engine, nil entries leave a worker unpinned.
        public var cores: [Int?] = []
        public var bufferCount = 16384
        public var chunkSize = 2048
        /// Where other processes find the counters; nil keeps them private.
        public var statsPath: String?
        /// Microseconds that a worker polls without finding anything before it sleeps.
        public var spinMicroseconds = 50
        /// Reads instruction and cache-miss counters around each node's call, where the machine has them.
        public var hardwareCounters = false
        public init() {}
    }

    public nonisolated let options: Options
    public nonisolated let pool: BufferPool
    public nonisolated let stats: StatsSegment
    public nonisolated let interfaceTable: InterfaceTable
    /// Sounded when an interface's link is lost, ahead of the control side.
    public nonisolated let linkAlarm = LinkAlarm()
    nonisolated let features: FeatureArcs
    let topology: GraphTopology
    let featureRegister: FeatureRegister
    public nonisolated let workers: [Worker]
    public private(set) var interfaces: [Interface] = []
    private var interfaceNames: [String: Int] = [:]
    var processes: [ProcessState] = []
    nonisolated let controlDescriptor: Int32
    public let timers: ControlTimers
    var watches: [Int32: @ControlPlane () -> Void] = [:]
    var wokenAt: UInt64?
    public let log: Logger
    private(set) var isBuilt = false
    var threads: [pthread_t] = []
    var controlLoop: ControlLoop?
    let names: StatsNames
    var baseline = CounterBaseline()
    var retired: [Retired] = []
    var memoryReports: [(name: String, bytes: @ControlPlane () -> Int)] = []

    /// - Throws: `BufferPool.Failure` when there is no memory.
    public init(_ options: Options, log: Logger = Logger(label: "martlet")) throws(BufferPool.Failure) {
        self.options = options
        self.log = log
        pool = try BufferPool(count: options.bufferCount, chunkSize: options.chunkSize)
        let stats = try StatsSegment(path: options.statsPath)
        self.stats = stats
        let table = InterfaceTable()
        interfaceTable = table
        let features = FeatureArcs()
        self.features = features
        topology = GraphTopology()
        featureRegister = FeatureRegister(published: features)
        names = StatsNames(stats)
        let control = CMartletLinux_eventDescriptor()
        controlDescriptor = control
        timers = ControlTimers(descriptor: control)
        let pool = pool
        workers = (0..<max(1, options.workerCount)).map {
            Worker(
                number: $0, pool: pool, interfaces: table, features: features, stats: stats, controlDescriptor: control)
        }
        connectHandoffs()
        add(NodeDescriptor(DropNode.self) { _ in DropNode() })
        add(NodeDescriptor(PassNode.self) { _ in PassNode() })
        add(NodeDescriptor(DealNode.self) { _ in DealNode() })
        add(NodeDescriptor(InterfaceOutput.self) { InterfaceOutput(interfaces: $0.interfaces) }, arcCapacity: 1024)
    }

    isolated deinit {
        features.unmap()
        interfaceTable.unmap()
        close(controlDescriptor)
    }

    private func connectHandoffs() {
        guard workers.count > 1 else { return }
        let rings = workers.map { _ in workers.map { HandoffRing(receiver: $0) } }
        for worker in workers {
            worker.handoffsOut = rings[worker.number]
            worker.handoffsIn = rings.map { $0[worker.number] }
        }
    }

    // MARK: - Declaring

    /// Adds a node; after `build`, also to the running workers.
    @discardableResult
    public func add(_ descriptor: NodeDescriptor, arcCapacity: Int = 64) -> Int {
        precondition(topology.index(of: descriptor.name) == nil, "there are two nodes named \(descriptor.name)")
        let index = topology.add(descriptor, arcCapacity: arcCapacity)
        names.setNode(index, descriptor.name)
        for (offset, reason) in descriptor.reasons.enumerated() {
            names.setReason(topology.nodes[index].reasonBase + offset, node: descriptor.name, reason: reason.name)
        }
        if isBuilt { installLate(index) }
        return index
    }

    /// Declares a place where interfaces have features.
    public func add(_ arc: FeatureArc) { featureRegister.add(arc) }

    private(set) var declaredFeatures: [Feature] = []

    /// Declares a node's place on a feature arc; it is switched on by interface.
    public func add(_ feature: Feature) { declaredFeatures.append(feature) }

    func addProcess(_ name: String, _ receive: @escaping @ControlPlane (PuntedPacket) -> Void) -> ProcessIndex {
        processes.append(ProcessState(name: name, receive: receive))
        return ProcessIndex(rawValue: UInt32(processes.count - 1))
    }

    /// Adds an arc to a node beside its declared ones; the node sends packets along it with `Verdict.to(arc:)`.
    /// - Throws: `GraphError` when there is no such node.
    public func addArc(from node: String, to target: String) throws(GraphError) -> UInt16 {
        for name in [node, target] where topology.index(of: name) == nil {
            throw GraphError(
                "there is no node \(name); " + Spelling.hint(for: name, among: topology.nodes.map(\.descriptor.name)))
        }
        return topology.addArc(topology.index(of: node)!, name: target, to: topology.index(of: target)!)
    }

    /// Creates an interface; its device nodes are added with `attach`.
    public func createInterface(_ name: String, kind: String) -> Interface {
        let interface = Interface(
            name: name, index: InterfaceIndex(interfaces.count + 1), kind: kind, table: interfaceTable)
        if interfaceNames[name] == nil { interfaceNames[name] = interfaces.count }
        interfaces.append(interface)
        names.setInterface(interface.index, name)
        return interface
    }

    /// The interface of that name; nil when there is none.
    public func interface(named name: String) -> Interface? { interfaceNames[name].map { interfaces[$0] } }

    /// Gives an interface its transmit node: `interface-output` sends its packets there.
    public func attach(_ interface: Interface, output: NodeDescriptor) {
        let node = add(output)
        guard let source = topology.index(of: InterfaceOutput.name) else {
            preconditionFailure("interfaces need the node \(InterfaceOutput.name)")
        }
        interfaceTable[interface.index].outputArc = topology.addArc(source, name: interface.name, to: node)
        transmitNodes[interface.index] = node
    }

    /// Has an interface transmit by a node that others use, too: what is stacked on ports has one node for all of them.
    /// - Throws: `GraphError` when there is no such node.
    public func attach(_ interface: Interface, to node: String) throws(GraphError) {
        let arc: UInt16
        if let shared = sharedOutputs[node] {
            arc = shared
        } else {
            arc = try addArc(from: InterfaceOutput.name, to: node)
            sharedOutputs[node] = arc
        }
        interfaceTable[interface.index].outputArc = arc
        transmitNodes[interface.index] = topology.index(of: node)
    }

    var transmitNodes: [InterfaceIndex: Int] = [:]
    /// The arcs of `interface-output` that lead to nodes of several interfaces.
    private var sharedOutputs: [String: UInt16] = [:]

    // MARK: - Building

    /// What the configuration's `graph` section changes in the declared graph.
    public struct Overrides: Sendable {
        /// Node, arc, and the node that the arc leads to instead.
        public var arcs: [(node: String, arc: String, target: String)] = []
        /// Per feature arc: features in the order wanted.
        public var featureOrder: [String: [String]] = [:]
        /// Whether arcs that are not named lead where their nodes declare; otherwise to the drop node.
        public var includesStandardArcs = true
        public init() {}
    }

    /// Connects all arcs and gives the workers their nodes.
    /// - Throws: `GraphError` that names the unknown node, the missing arc or the features that cannot be ordered.
    public func build(_ overrides: Overrides = Overrides()) throws(GraphError) {
        for feature in declaredFeatures { try featureRegister.add(feature) }
        try featureRegister.sort(overrides: overrides.featureOrder)
        for override in overrides.arcs { try checkOverride(override) }
        for (index, node) in topology.nodes.enumerated() {
            for (arc, name) in node.arcNames.enumerated() {
                let override = overrides.arcs.last { $0.node == node.descriptor.name && $0.arc == name }
                let standard = overrides.includesStandardArcs || arc >= node.descriptor.arcs.count
                let target = override?.target ?? (standard ? node.arcTargets[arc] : DropNode.name)
                guard let targetIndex = topology.index(of: target) else {
                    throw GraphError(
                        "node \(node.descriptor.name): its arc \(name) leads to \(target), which does not exist; "
                            + Spelling.hint(for: target, among: topology.nodes.map(\.descriptor.name)))
                }
                guard topology.nodes[targetIndex].descriptor.kind != .input else {
                    throw GraphError(
                        "node \(node.descriptor.name): its arc \(name) leads to \(target), which brings packets in and takes none"
                    )
                }
                topology.connect(index, arc: arc, to: targetIndex)
            }
        }
        try startFeatureArcs()
        isBuilt = true
        for index in topology.nodes.indices { install(index) { worker, runtime in worker.install(runtime) } }
    }

    private func checkOverride(_ override: (node: String, arc: String, target: String)) throws(GraphError) {
        guard let node = topology.index(of: override.node) else {
            throw GraphError(
                "graph.nodes: there is no node \(override.node); "
                    + Spelling.hint(for: override.node, among: topology.nodes.map(\.descriptor.name)))
        }
        let arcs = topology.nodes[node].arcNames
        guard arcs.contains(override.arc) else {
            throw GraphError(
                "graph.nodes.\(override.node): there is no arc \(override.arc); "
                    + Spelling.hint(for: override.arc, among: arcs) + "; it has " + arcs.joined(separator: ", "))
        }
    }

    private func startFeatureArcs() throws(GraphError) {
        var starts: [Int: [FeatureStart]] = [:]
        for (index, state) in featureRegister.arcs.enumerated() {
            for start in state.arc.starts {
                guard let node = topology.index(of: start.node) else {
                    throw GraphError("feature arc \(state.arc.name) starts at \(start.node), which does not exist")
                }
                var slot = FeatureStart.everySlot
                if let arc = start.arc {
                    guard let number = topology.nodes[node].arcNames.firstIndex(of: arc) else {
                        throw GraphError(
                            "feature arc \(state.arc.name) starts at \(start.node)'s arc \(arc), which does not exist")
                    }
                    slot = UInt16(number)
                }
                starts[node, default: []].append(
                    FeatureStart(slot: slot, arc: index, byTransmitInterface: state.arc.key == .transmit))
            }
        }
        for (node, entry) in topology.nodes.enumerated() where entry.descriptor.kind == .input {
            starts[node] = inputFeatureStarts() + (starts[node] ?? [])
        }
        for (node, list) in starts { topology.setFeatureStarts(node, list) }
    }

    private func inputFeatureStarts() -> [FeatureStart] {
        featureRegister.arcs.enumerated().filter { $0.element.arc.startsAtInputs }.map {
            FeatureStart(slot: FeatureStart.everySlot, arc: $0.offset, byTransmitInterface: false)
        }
    }

    /// Switches a feature on or off for one interface; packets on their way are not disturbed.
    /// - Throws: `GraphError` when there is no such feature.
    public func setFeature(_ node: String, on arc: String, interface: Interface, _ isOn: Bool) throws(GraphError) {
        guard let index = featureRegister.index(of: arc), featureRegister.arcs[index].order.contains(node) else {
            throw GraphError("there is no feature \(node) on the arc \(arc)")
        }
        let end = featureRegister.arcs[index].arc.end.flatMap(topology.index) ?? transmitNodes[interface.index] ?? 0
        featureRegister.set(node, on: index, interface: interface.index, isOn, end: end) { topology.index(of: $0) }
    }

    // MARK: - Instances

    private func install(_ index: Int, _ body: (Worker, consuming NodeRuntime) -> Void) {
        let entry = topology.nodes[index]
        for worker in workers {
            let seat = Seat(
                worker: worker.number, workerCount: workers.count, interfaces: interfaceTable, pool: pool,
                interfaceCounters: InterfaceCounterSlot(worker.interfaceCounters))
            let instance = entry.descriptor.make(seat)
            var runtime = NodeRuntime(
                node: nil, input: nil, output: nil, arcs: entry.arcs, counters: worker.nodeCounters + index,
                reasonBase: UInt16(entry.reasonBase), featureStarts: entry.featureStarts)
            switch instance {
            case .node(let node): runtime.node = node
            case .input(let node): runtime.input = node
            case .output(let node): runtime.output = node
            }
            body(worker, runtime)
        }
    }

    private func installLate(_ index: Int) {
        if topology.nodes[index].descriptor.kind == .input {
            topology.setFeatureStarts(index, inputFeatureStarts())
        }
        for (arc, target) in topology.nodes[index].arcTargets.enumerated() {
            if let target = topology.index(of: target) { topology.connect(index, arc: arc, to: target) }
        }
        install(index) { worker, runtime in
            if threads.isEmpty {
                worker.install(runtime)
            } else {
                let box = Transfer(runtime)
                worker.perform { $0.install(box.value) }
            }
        }
    }
}

/// Carries a value that has one owner at a time to another thread.
struct Transfer<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
