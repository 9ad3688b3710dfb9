// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The control side of the tag table: knows who claims which frames, and makes sub-interfaces known to the nodes.
@ControlPlane
final class TagStore {
    private let filler = TagFiller()
    private let interfaces: InterfaceTable
    /// The same table once more, of what the file says: mistakes are found before there is any interface.
    private lazy var claims = Claims()

    nonisolated var table: TagTable { filler.table }

    init(interfaces: InterfaceTable) { self.interfaces = interfaces }

    isolated deinit { table.unmap() }

    /// What one sub-interface of the file wants that another has.
    struct Conflict {
        let owner: String
        let frames: TagMatch
    }

    /// A sub-interface that takes a port's untagged frames.
    struct Borrower {
        let port: String
        let name: String
        let setting: Setting
    }

    private(set) var borrowers: [Borrower] = []

    /// Notes which frames of a port a sub-interface is to have.
    /// - Returns: What another claims with equal right.
    func claim(_ match: TagMatch, of port: String, for name: String) throws(TagError) -> Conflict? {
        try claims.add(match, port, name)
    }

    func noteBorrower(_ name: String, of port: String, _ setting: Setting) {
        borrowers.append(Borrower(port: port, name: name, setting: setting))
    }

    /// Sub-interfaces that would take what a port with addresses has itself.
    func objections(to file: Setting) -> [ConfigurationError] {
        let interfaces = (try? file["interfaces"]?.map) ?? []
        return borrowers.compactMap { borrower in
            guard let port = interfaces.first(where: { $0.key == borrower.port }), port.value["addresses"] != nil else {
                return nil
            }
            return borrower.setting.error(
                "\(borrower.port) has addresses, and '\(borrower.name)' would take its untagged frames",
                "give the addresses to a sub-interface with 'untagged: true', or leave this one out")
        }
    }

    /// From here on the port's frames with these tags are the sub-interface's.
    /// - Parameters:
    ///   - tags: What its own frames get; nil for none.
    ///   - priority: PCP of those tags, 0 to 7.
    ///   - rewrites: What becomes of bridged frames' tags; nil when they stay.
    func add(
        _ interface: InterfaceIndex, _ match: TagMatch, of port: InterfaceIndex, priority: UInt8,
        rewrites: TagTable.Rewrites?
    ) throws {
        if interfaces[port].tagTable == 0 { interfaces[port].tagTable = try filler.addPort() }
        let words = match.tags?.words(priority: priority) ?? (outer: 0, inner: 0)
        // The standard allows for one tag that does not make the packet shorter.
        table.subinterface(interface).pointee = TagTable.Subinterface(
            outer: words.outer, inner: words.inner, spare: UInt16(max(1, match.tagCount) * VLANView.length),
            takesDeeper: match.takesDeeper)
        if let rewrites { table.rewrites(of: interface).pointee = rewrites }
        try filler.insert(interface, match, port: interfaces[port].tagTable)
    }
}

/// Who claims which frames, by name.
@ControlPlane
private final class Claims {
    private let filler = TagFiller()
    private var ports: [String: UInt32] = [:]
    private var names: [String] = []

    isolated deinit { filler.table.unmap() }

    func add(_ match: TagMatch, _ port: String, _ name: String) throws(TagError) -> TagStore.Conflict? {
        let number: UInt32
        if let known = ports[port] {
            number = known
        } else {
            number = try filler.addPort()
            ports[port] = number
        }
        guard names.count < InterfaceTable.capacity - 1 else { return nil }
        names.append(name)
        do {
            try filler.insert(UInt32(names.count), match, port: number)
            return nil
        } catch let clash as TagFiller.Clash {
            return TagStore.Conflict(owner: names[Int(clash.owner) - 1], frames: clash.frames)
        } catch let error as TagError {
            throw error
        } catch {
            return nil
        }
    }
}
