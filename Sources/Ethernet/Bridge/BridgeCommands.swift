// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show bridge`, `show fdb`, `clear fdb`.
@ControlPlane
struct BridgeCommands {
    private let store: BridgeStore

    init(_ store: BridgeStore) { self.store = store }

    var all: [Command] { [showBridge, showFDB, clearFDB] }

    private var showBridge: Command {
        Command(
            ["show", "bridge"], "Bridge domains with their members and how many stations each has",
            [.argument("domain", "Only this one", completing: { [store] in store.domains.map(\.name) })]
        ) { [store] arguments in
            let only = try BridgeCommands.domain(arguments["domain"], store)
            return BridgeReport(store.domains.filter { only == nil || $0 === only }, store)
        }
    }

    private var filters: [Command.Parameter] {
        [
            .option("domain", "Only those of this bridge domain", completing: { [store] in store.domains.map(\.name) }),
            .option(
                "port", "Only those behind this member",
                completing: { [store] in store.ports.map(\.member.interface.name) }),
            .option("mac", "Only this one"),
        ]
    }

    private var showFDB: Command {
        Command(["show", "fdb"], "Stations of the bridge domains, and behind which member they are", filters) {
            [store] arguments in
            let filter = try Filter(arguments, store)
            return FDBReport(store.fdb.entries.filter { filter.takes($0) }, store)
        }
    }

    private var clearFDB: Command {
        Command(
            ["clear", "fdb"], "Forgets stations that were learned; static ones stay, and traffic goes on, flooded",
            filters
        ) { [store] arguments in
            let filter = try Filter(arguments, store)
            var count = 0
            if let mac = filter.mac {
                for domain in store.domains where filter.domain == nil || filter.domain === domain {
                    let key = FDBKey(mac.littleEndianValue, domain: domain.number)
                    if let port = filter.port, store.fdb.lookUp(key).port != port.port { continue }
                    count += store.forget(mac, in: domain) ? 1 : 0
                }
            } else {
                for (member, domain) in store.ports
                where (filter.domain == nil || filter.domain === domain)
                    && (filter.port == nil || filter.port?.port == member.port)
                {
                    count += store.flush(member)
                }
            }
            return Notice("\(count) stations forgotten")
        }
    }

    fileprivate static func domain(_ name: String?, _ store: BridgeStore) throws(CommandError) -> BridgeDomain? {
        guard let name else { return nil }
        if let domain = store[name] { return domain }
        throw .notFound(
            "there is no bridge domain '\(name)'", Spelling.hint(for: name, among: store.domains.map(\.name)))
    }

    /// Which stations a command is about.
    @ControlPlane
    private struct Filter {
        let domain: BridgeDomain?
        let port: BridgeMember?
        let mac: MACAddress?

        init(_ arguments: CommandArguments, _ store: BridgeStore) throws(CommandError) {
            domain = try BridgeCommands.domain(arguments["domain"], store)
            mac = try arguments.value("mac", "a MAC address", example: "02:00:00:00:00:01") { MACAddress($0) }
            guard let name = arguments["port"] else {
                port = nil
                return
            }
            port = store.ports.first { $0.member.interface.name == name }?.member
            guard port != nil else {
                throw .notFound(
                    "no bridge domain has a member '\(name)'",
                    Spelling.hint(for: name, among: store.ports.map(\.member.interface.name)))
            }
        }

        func takes(_ entry: FDBTable.Entry) -> Bool {
            (domain == nil || entry.key.domain == domain?.number) && (port == nil || entry.value.port == port?.port)
                && (mac == nil || entry.key.address == mac?.littleEndianValue)
        }
    }
}
