// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The control side of label switching: what each incoming label means, and to whom it belongs.
///
/// A label's paths are path-lists like those of routes: shared, protected and followed in the same way. At the bottom of
/// the stack and above it a label may mean different things.
@ControlPlane
public final class LabelFIB {
    /// What becomes of packets with a label.
    public enum Action: Hashable, Sendable {
        /// Along paths: their labels, of which the innermost takes the place of the label; without labels, the label is taken
        /// off and the packet sent to the neighbour.
        case paths([Path])
        /// Taken off; the IP packet below is routed by this table. At the bottom of the stack alone.
        case lookupIP(TableIndex)
        /// Taken off, and the label below looked up. Above the bottom alone.
        case lookupLabel
        /// To a feature's node, at the label.
        case node(String)
    }

    /// Where in the stack a label means this.
    public enum Place: String, Sendable, Hashable, CaseIterable, Codable {
        case bottom, above, any
    }

    /// What is said of one label in one place of the stack.
    public struct Entry: Sendable {
        public let label: MPLSLabel
        public let isBottom: Bool
        /// Who has the label: "static", or a feature's name.
        public let owner: String
        public let action: Action
        /// Of the end of its path: whether TTL and traffic class are copied when the label comes off.
        public let mode: TTLMode
        /// The path-list, for paths.
        public let list: PathListIndex?
    }

    /// The name for what the configuration and the operator say.
    public nonisolated static let operatorName = "static"

    /// The table as workers read it.
    nonisolated let table = LabelTable()
    let fib: FIB
    private(set) var entries: [Key: Entry] = [:]
    private var arcs: [String: UInt16] = [:]

    struct Key: Hashable {
        let label: UInt32
        let isBottom: Bool
    }

    init(_ fib: FIB) {
        self.fib = fib
        storeReserved()
    }

    isolated deinit { table.unmap() }

    // MARK: - Asking

    /// Labels with an entry, one at the bottom and one above counted apart.
    public var count: Int { entries.count }

    /// The entry for the label there; nil for a label that nobody has.
    public func entry(_ label: MPLSLabel, isBottom: Bool) -> Entry? {
        entries[Key(label: label.rawValue, isBottom: isBottom)]
    }

    /// All entries by label, those at the bottom first.
    public var all: [Entry] {
        entries.values.sorted { ($0.label.rawValue, $1.isBottom ? 1 : 0) < ($1.label.rawValue, $0.isBottom ? 1 : 0) }
    }

    // MARK: - Changing

    /// Gives a label a meaning, or another one; in force when the call returns.
    /// - Parameters:
    ///   - label: 16 to 1,048,575.
    ///   - mode: Of the end of the label's path. Pushed labels have the mode of their `Path`.
    /// - Throws: `RouteError` when the label is reserved or another's, or the action cannot be; then nothing has changed.
    public func set(
        _ label: MPLSLabel, _ action: Action, at place: Place = .any, mode: TTLMode = .pipe, from owner: String
    ) throws(RouteError) {
        guard !label.isReserved else { throw .reservedLabel(label) }
        let bottoms = LabelFIB.bottoms(place)
        for isBottom in bottoms {
            if let other = entry(label, isBottom: isBottom), other.owner != owner {
                throw .labelTaken(label, owner: other.owner)
            }
        }
        let former = bottoms.lazy.compactMap { self.entry(label, isBottom: $0)?.list }.first
        let list = try list(of: action, replacing: former)
        if let list { for _ in bottoms { fib.pathLists.retain(list) } }
        for isBottom in bottoms {
            let new = Entry(label: label, isBottom: isBottom, owner: owner, action: action, mode: mode, list: list)
            table.store(result(of: new), for: label, isBottom: isBottom)
            let old = entries.updateValue(new, forKey: Key(label: label.rawValue, isBottom: isBottom))
            if let old = old?.list { fib.pathLists.release(old) }
        }
        if let list { fib.pathLists.release(list) }
    }

    /// Takes a label's meaning away; packets with it are dropped from here on.
    /// - Returns: False when there was none.
    /// - Throws: `RouteError` when the label is another's.
    @discardableResult
    public func remove(_ label: MPLSLabel, at place: Place = .any, from owner: String) throws(RouteError) -> Bool {
        let found = LabelFIB.bottoms(place).compactMap { entry(label, isBottom: $0) }
        for entry in found where entry.owner != owner { throw .labelTaken(label, owner: entry.owner) }
        for entry in found {
            table.store(LabelResult(.noRoute), for: label, isBottom: entry.isBottom)
            entries[Key(label: label.rawValue, isBottom: entry.isBottom)] = nil
            if let list = entry.list { fib.pathLists.release(list) }
        }
        return !found.isEmpty
    }

    private static func bottoms(_ place: Place) -> [Bool] {
        switch place {
        case .bottom: [true]
        case .above: [false]
        case .any: [true, false]
        }
    }

    /// Makes what the action needs. Returns its path-list, if there is one, with one more use.
    private func list(of action: Action, replacing former: PathListIndex?) throws(RouteError) -> PathListIndex? {
        switch action {
        case .lookupIP(let index):
            guard fib.table(index) != nil else { throw .noTable(index) }
            return nil
        case .lookupLabel: return nil
        case .node(let name):
            _ = try arc(to: name)
            return nil
        case .paths(let paths):
            for path in paths { if let objection = LabelFIB.objection(to: path) { throw objection } }
            // A list of the label's own, so that its packets are counted; its paths are shared all the same.
            return try fib.pathLists.acquire(paths, isCounted: true) { former }.index
        }
    }

    /// What the table says for an entry.
    func result(of entry: Entry) -> LabelResult {
        let forwarding: Forwarding =
            switch entry.action {
            case .lookupIP(let index): entry.isBottom ? Forwarding(.table, index.rawValue) : .discard(.notBottom)
            case .lookupLabel: entry.isBottom ? .discard(.bottom) : .nextLabel
            case .node(let name): arcs[name].map { Forwarding(.local, UInt32($0)) } ?? .noRoute
            case .paths: entry.list.flatMap { fib.pathLists[$0]?.forwarding } ?? .noRoute
            }
        return LabelResult(forwarding, entry.mode)
    }

    private static func objection(to path: Path) -> RouteError? {
        for path in [path] + path.backup {
            switch path.target {
            case .neighbor, .recursive, .discard: continue
            case .glean, .receive, .broadcast, .table:
                return RouteError("a label's path leads to a neighbour", "give a next hop")
            }
        }
        return nil
    }

    private func arc(to node: String) throws(RouteError) -> UInt16 {
        if let arc = arcs[node] { return arc }
        do throws(GraphError) {
            let arc = try fib.engine.addArc(from: MPLSLookup.name, to: node)
            arcs[node] = arc
            return arc
        } catch {
            throw RouteError("\(error)")
        }
    }

    // MARK: - Reserved labels

    /// RFC 3032 section 2.1, RFC 7274 section 3.
    private func storeReserved() {
        for value in 0..<UInt32(16) {
            let label = MPLSLabel(rawValue: value)
            for isBottom in [true, false] {
                table.store(LabelFIB.reserved(label, isBottom), for: label, isBottom: isBottom)
            }
        }
    }

    static func reserved(_ label: MPLSLabel, _ isBottom: Bool) -> LabelResult {
        switch label {
        case .ipv4ExplicitNull, .ipv6ExplicitNull: LabelResult(isBottom ? .ingressTable : .discard(.notBottom))
        case .routerAlert: LabelResult(.discard(.routerAlert))
        case .implicitNull: LabelResult(.discard(.implicitNull))
        case .associatedChannel, .oamAlert: LabelResult(.discard(.oamAlert))
        default: LabelResult(.discard(.labelReserved))
        }
    }
}

extension RouteError {
    static func reservedLabel(_ label: MPLSLabel) -> RouteError {
        RouteError("label \(label.rawValue) is reserved", "give 16 to 1048575")
    }

    static func labelTaken(_ label: MPLSLabel, owner: String) -> RouteError {
        RouteError("label \(label) belongs to \(owner) already", "give another, or remove that one there")
    }
}
