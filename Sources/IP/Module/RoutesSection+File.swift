// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// A file of routes.
extension IPModule {
    func readFile(_ setting: Setting) throws(ConfigurationError) -> Step {
        let name = try setting.required("file")
        for key in ["to", "via", "type", "lookup-vrf", "priority"] {
            if let other = setting[key] {
                throw other.error("\(key) does not go with a route file", "remove one of them")
            }
        }
        let table = try setting["vrf"]?.vrf(plan) ?? VRF.mainName
        let hops =
            try setting["next-hops"].map { setting throws(ConfigurationError) in try readNextHops(setting) } ?? []
        let interface = try setting["interface"]?.string
        let bfd = try setting["bfd"].flatMap { setting throws(ConfigurationError) in try readWatch(setting) }
        let isCounted = try setting["counter"]?.boolean ?? false
        let path = try name.filePath
        routePlan.begin(nil, in: table)
        do throws(RouteFileError) {
            let file = try RouteFile(path: path)
            var checked: Set<IPAddress> = []
            try file.forEach { entry in
                let address = try RouteLoader.address(of: entry.nextHop, among: hops)
                guard checked.insert(address).inserted else { return }
                guard let objection = plan.objection(toNeighbor: address, on: interface, in: table) else { return }
                guard objection.isNotConnected, interface == nil else { throw objection }
                if let objection = IPModule.objection(toWatching: address, bfd) { throw objection }
                routePlan.mustLead(to: address, in: table, name, place: "\(path):\(entry.line)")
            }
            routePlan.add(file, in: table)
            return { [unowned self] in
                do throws(RouteError) {
                    let loader = RouteLoader(
                        self, hops, on: interface.flatMap(engine.interface(named:)), in: try self.table(table),
                        bfd: bfd, isCounted: isCounted, mustExist: false)
                    defer { loader.finish() }
                    try loader.load(file)
                } catch {
                    throw name.error(error)
                }
            }
        } catch {
            throw name.error("\(error)")
        }
    }

    private func readNextHops(_ setting: Setting) throws(ConfigurationError) -> [IPAddress] {
        var hops: [IPAddress] = []
        for element in try setting.list {
            hops += try element.value(
                "an address or a range of addresses", example: "10.0.0.2 or 10.0.0.2-10.0.0.9"
            ) {
                RouteLoader.range($0)
            }
        }
        return hops
    }
}
