// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Whether a session's copies have somewhere to go, in the words that operators know from other routers.
enum SessionStatus: Equatable {
    /// A source names it, and it is not there.
    case notConfigured
    case noDestination
    case destinationUnknown(String)
    /// The destination's state is in words.
    case destinationDown(String, state: String)
    case destination(String)
    /// Beyond this router: the next hop on the way there.
    case nextHop(IPAddress, isResolved: Bool)
    case file(String, problem: String?)

    var text: String {
        switch self {
        case .notConfigured: "Session is not configured globally"
        case .noDestination: "Destination interface is not configured"
        case .destinationUnknown(let name): "Destination interface \(name) is not configured"
        case .destinationDown(let name, let state): "Destination interface \(name) (\(state))"
        case .destination(let name): "Destination interface \(name)"
        case .nextHop(let address, let isResolved):
            "Destination Nexthop \(address)\(isResolved ? "" : " (not resolved)")"
        case .file(let path, _): "Destination file \(path)"
        }
    }

    /// As the detailed status says it.
    var detail: String { self == .noDestination ? "No destination configured" : text }

    var isGood: Bool {
        switch self {
        case .destination, .nextHop(_, isResolved: true), .file(_, nil): true
        default: false
        }
    }
}

/// Whether a source is mirrored.
enum SourceStatus: Equatable {
    case operational
    case sessionNotConfigured
    case noDestination
    case destinationUnknown
    case sameAsDestination
    case destinationNotActive
    /// The source's state is in words.
    case sourceDown(String)
    case error(String)

    var text: String {
        switch self {
        case .operational: "Operational"
        case .sessionNotConfigured: "Not operational (Session is not configured globally)"
        case .noDestination, .destinationUnknown: "Not operational (destination not known)"
        case .sameAsDestination: "Not operational (source same as destination)"
        case .destinationNotActive: "Not operational (destination not active)"
        case .sourceDown(let state): "Not operational (source state \(state))"
        case .error: "Error: see detailed output for explanation"
        }
    }

    /// As the detailed status says it.
    var detail: String {
        switch self {
        case .noDestination: "Not operational (no destination)"
        case .destinationUnknown: "Not operational (destination interface not known)"
        case .error(let explanation): "Error: \(explanation)"
        default: text
        }
    }
}

extension MonitorSessions {
    /// - Parameter name: The session's, which need not be there.
    func status(ofSession name: String) -> SessionStatus {
        guard let session = book.session(named: name) else { return .notConfigured }
        switch session.destination {
        case nil: return .noDestination
        case .file(let file): return .file(file.path, problem: writer(of: name)?.problem)
        case .interface(let name):
            guard let interface = engine.interface(named: name) else { return .destinationUnknown(name) }
            guard interface.flags.contains(.usable) else { return .destinationDown(name, state: interface.stateName) }
            guard let way = way(interface), let hop = way.nextHop else { return .destination(name) }
            return .nextHop(hop, isResolved: way.isResolved)
        }
    }

    func status(of source: MonitorSource) -> SourceStatus {
        let session = status(ofSession: source.session)
        switch session {
        case .notConfigured: return .sessionNotConfigured
        case .noDestination: return .noDestination
        case .file(_, let problem?): return .error(problem)
        case .destinationUnknown, .destinationDown, .destination, .nextHop, .file(_, nil): break
        }
        if book.session(named: source.session)?.destination == .interface(source.interface) {
            return .sameAsDestination
        }
        if case .destinationUnknown = session { return .destinationUnknown }
        if case .destinationDown = session { return .destinationNotActive }
        if case .nextHop(_, isResolved: false) = session { return .destinationNotActive }
        guard let interface = engine.interface(named: source.interface) else { return .sourceDown("not configured") }
        guard interface.flags.contains(.usable) else { return .sourceDown(interface.stateName) }
        return .operational
    }
}
