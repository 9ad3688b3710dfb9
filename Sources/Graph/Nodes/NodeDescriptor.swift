// SPDX-License-Identifier: Apache-2.0

/// What the engine knows of a kind of node before any worker has an instance: its names, and how to make one.
public struct NodeDescriptor: Sendable {
    public enum Kind: String, Sendable, Codable {
        case input, `internal`, output, process
    }

    /// One way out: its name in the `graph` section and the node that it leads to.
    public struct Arc: Sendable, Equatable {
        public let name: String
        public let defaultNode: String
    }

    public struct Reason: Sendable {
        public let name: String
        public let text: String
    }

    public let name: String
    public let kind: Kind
    /// For a node that the configuration added: the node whose kind it is of.
    public let instanceOf: String?
    public let arcs: [Arc]
    public let reasons: [Reason]
    /// The text of a trace record that this node wrote.
    let describeTrace: @Sendable (UnsafeRawPointer) -> String
    let make: @Sendable (Seat) -> Instance

    enum Instance {
        case node(any Node)
        case input(any InputNode)
        case output(any OutputNode)
    }

    private init<N: Node>(_ type: N.Type, name: String, kind: Kind, make: @escaping @Sendable (Seat) -> Instance) {
        self.name = name
        self.kind = kind
        instanceOf = nil
        // An arc's number is its case's raw value: cases are declared in order, from 0.
        arcs = N.Next.allCases.map { Arc(name: $0.name, defaultNode: $0.node) }
        reasons = N.Reason.allCases.map { Reason(name: $0.name, text: $0.text) }
        precondition(
            N.Next.allCases.enumerated().allSatisfy { $0.offset == Int($0.element.rawValue) }
                && N.Reason.allCases.enumerated().allSatisfy { $0.offset == Int($0.element.rawValue) },
            "\(name): arcs and reasons are numbered from 0, in order")
        precondition(
            MemoryLayout<N.Trace>.size <= Tracer.Record.byteCapacity, "\(name): a trace record has at most 56 bytes")
        describeTrace = { $0.loadUnaligned(as: N.Trace.self).description }
        self.make = make
    }

    /// - Parameters:
    ///   - name: For nodes that exist once per interface ("wan0-tx"); others keep their type's name.
    ///   - make: Makes one worker's instance; runs on the control side, once per worker.
    public init<N: Node>(_ type: N.Type, name: String = N.name, make: @escaping @Sendable (Seat) -> N) {
        self.init(type, name: name, kind: .internal) { .node(make($0)) }
    }

    /// The same kind of node under another name.
    func renamed(_ name: String) -> NodeDescriptor { NodeDescriptor(self, name: name) }

    private init(_ other: NodeDescriptor, name: String) {
        self.name = name
        kind = other.kind
        instanceOf = other.instanceOf ?? other.name
        arcs = other.arcs
        reasons = other.reasons
        describeTrace = other.describeTrace
        make = other.make
    }

    public init<N: InputNode>(input type: N.Type, name: String = N.name, make: @escaping @Sendable (Seat) -> N) {
        self.init(type, name: name, kind: .input) { .input(make($0)) }
    }

    public init<N: OutputNode>(output type: N.Type, name: String = N.name, make: @escaping @Sendable (Seat) -> N) {
        self.init(type, name: name, kind: .output) { .output(make($0)) }
    }
}

/// Where a node instance will work: what its maker may use.
public struct Seat: Sendable {
    /// The worker's number, from 0.
    public let worker: Int
    public let workerCount: Int
    public let interfaces: InterfaceTable
    public let pool: BufferPool
    /// The worker's own, for nodes that decide by which interface a packet came.
    public let interfaceCounters: InterfaceCounterSlot
}
