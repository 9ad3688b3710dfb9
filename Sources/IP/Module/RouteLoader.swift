// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Puts the routes of a file into a table: each next hop is resolved once, and its routes share a path-list.
@ControlPlane
final class RouteLoader {
    private let ip: IPModule
    private let hops: [IPAddress]
    private let interface: Interface?
    private let table: VRF
    private let bfd: BFDWatch?
    private let isCounted: Bool
    private let mustExist: Bool
    private var known: [IPAddress: PathList] = [:]

    /// The most addresses that one range stands for.
    nonisolated static let rangeCapacity = 65536

    /// - Parameters:
    ///   - hops: What numbers in the file mean, from 0.
    ///   - bfd: How the next hops are watched, if they are.
    ///   - isCounted: Counts every route apart, not only those of which the file says so.
    ///   - mustExist: Refuses next hops to which nothing leads now.
    init(
        _ ip: IPModule, _ hops: [IPAddress], on interface: Interface?, in table: VRF, bfd: BFDWatch?, isCounted: Bool,
        mustExist: Bool
    ) {
        self.ip = ip
        self.hops = hops
        self.interface = interface
        self.table = table
        self.bfd = bfd
        self.isCounted = isCounted
        self.mustExist = mustExist
    }

    /// Gives back the path-lists that it held for the routes to come.
    func finish() {
        for list in known.values { ip.fib.pathLists.release(list.index) }
        known = [:]
    }

    /// Every route of the file. The first that cannot be ends it; those before it are in the table.
    func load(_ file: RouteFile) throws(RouteError) {
        do throws(RouteFileError) {
            try file.forEach { entry in try load(entry) }
        } catch {
            throw RouteError("\(error)")
        }
    }

    func load(_ entry: RouteFile.Entry) throws(RouteError) {
        let list = try list(of: try RouteLoader.address(of: entry.nextHop, among: hops))
        if isCounted || entry.isCounted {
            try ip.fib.setRoute(entry.prefix, list.paths, in: table, isCounted: true)
        } else {
            try ip.fib.setRoute(entry.prefix, list, in: table)
        }
    }

    /// Resolves the entry's next hop.
    func check(_ entry: RouteFile.Entry) throws(RouteError) {
        _ = try list(of: try RouteLoader.address(of: entry.nextHop, among: hops))
    }

    /// The path-list of a next hop; throws when nothing leads there.
    private func list(of address: IPAddress) throws(RouteError) -> PathList {
        if let list = known[address] { return list }
        var path = try ip.path(via: address, on: interface, in: table, mustExist: mustExist)
        path.bfd = bfd
        let list = try ip.fib.pathLists.acquire([path])
        known[address] = list
        return list
    }

    nonisolated static func address(
        of hop: RouteFile.NextHop, among hops: [IPAddress]
    ) throws(RouteError) -> IPAddress {
        switch hop {
        case .address(let address): return address
        case .number(let number):
            guard Int(number) < hops.count else {
                throw RouteError(
                    "next hop number \(number) is beyond the \(hops.count) of `next-hops`", "add to `next-hops`")
            }
            return hops[Int(number)]
        }
    }

    /// "10.0.0.2", or "10.0.0.2-10.0.0.9"; nil when it is neither or too long.
    nonisolated static func range(_ text: String) -> [IPAddress]? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { IPAddress(String($0)) }
        guard let first = ends.first ?? nil, ends.count <= 2, let last = ends.last ?? nil else { return nil }
        switch (first, last) {
        case (.v4(let first), .v4(let last)):
            guard first <= last, last.value - first.value < rangeCapacity else { return nil }
            return (first.value...last.value).map { .v4(IPv4Address($0)) }
        case (.v6(let first), .v6(let last)):
            guard first <= last, first.high == last.high, last.low - first.low < rangeCapacity else { return nil }
            return (first.low...last.low).map { .v6(IPv6Address(high: first.high, low: $0)) }
        default: return nil
        }
    }
}
