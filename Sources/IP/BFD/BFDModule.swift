// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Bidirectional forwarding detection: whether a neighbour is there, known within milliseconds.
@ControlPlane
public final class BFDModule: Module {
    public nonisolated static let name = "bfd"

    /// Where other features ask for sessions.
    public private(set) var manager: BFDManager!
    var ip: IPModule!

    public init() {}

    public func register(in registry: Registry) {
        guard let ip = registry.module(IPModule.self) else { preconditionFailure("BFD needs the module ip") }
        self.ip = ip
        manager = BFDManager(engine: registry.engine, interfaces: ip.interfaces, fib: ip.fib)
        ip.fastReroute.bfd = manager
        ip.fib.watches.bfd = manager
        let process = registry.add(process: "bfd") { [unowned manager = manager!] in manager.receive($0) }
        let table = manager.table
        let adjacencies = ip.fib.adjacencies.table
        registry.add(
            NodeDescriptor(BFDInput.self) { BFDInput($0, table: table, adjacencies: adjacencies, process: process) })
        do {
            for port in [BFDPort.control, BFDPort.echo, BFDPort.multihop] {
                try ip.local.claim(udpPort: port, for: .node(BFDInput.name))
            }
        } catch {
            preconditionFailure("\(error)")
        }
        registry.add(section)
        for command in commands { registry.add(command) }
    }
}
