// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The bundles of a router: what workers read of them, and who hears of their members.
@ControlPlane
public final class BundleManager {
    let engine: Engine
    nonisolated let table = BundleTable()
    let losses: BundleLosses
    /// In the order of their numbers, from 1.
    private(set) var bundles: [Bundle] = []
    /// Bundles by the names of their members, as the file has it.
    private var owners: [String: String] = [:]
    /// `Clock.now` when time began.
    private let origin = Clock.now

    init(engine: Engine) {
        self.engine = engine
        let losses = BundleLosses(table, engine.linkAlarm)
        self.losses = losses
        engine.linkAlarm.onChange { [weak losses] in losses?.hear($0, isLost: $1, at: $2) }
    }

    isolated deinit { table.unmap() }

    /// The bundle of that name; nil when there is none.
    func bundle(named name: String) -> Bundle? { bundles.first { $0.interface.name == name } }

    // MARK: - Configuration

    /// Notes whose the members are; says which are another's already.
    func claim(_ settings: BundleSettings, _ errors: inout ConfigurationErrors) {
        for member in settings.members {
            if let owner = owners[member.name], owner != settings.name {
                errors.append(
                    member.setting.error("\(member.name) is a member of \(owner) already", "keep it in one bundle"))
            }
            owners[member.name] = settings.name
        }
    }

    /// What is wrong with the file's members of bundles.
    /// - Parameter attributes: The keys that interfaces of every type have.
    func objections(to file: Setting, attributes: [String]) -> [ConfigurationError] {
        BundleChecks(owners: owners, attributes: attributes).objections(to: file)
    }

    func add(_ settings: BundleSettings, _ interface: Interface, _ ports: [Interface], mtu: Int?) throws {
        guard bundles.count + 1 < BundleTable.capacity else {
            throw ConfigurationError(
                at: nil, path: "interfaces.\(settings.name)",
                "there are \(bundles.count) bundles, the most that there may be", "have fewer")
        }
        let number = UInt32(bundles.count + 1)
        var members = InlineArray<8, InterfaceIndex>(repeating: 0)
        for (place, port) in ports.enumerated() {
            members[place] = port.index
            table[place: port.index] = BundlePlace(bundle: number, member: place)
        }
        // Another seed than that of the router before, and the same after a restart.
        let seed = UInt32(truncatingIfNeeded: (interface.mac &* 0x9e37_79b9_7f4a_7c15) >> 32)
        table[number] = BundleRecord(
            interface: interface.index, members: members, seed: seed, hash: settings.hash,
            hasLACP: settings.lacp != .off)
        table[place: interface.index] = BundlePlace(bundle: number)
        losses.add(number, interface.index, minimum: settings.minimum)
        bundles.append(Bundle(settings, number, interface, ports, mtu: mtu, self))
    }

    // MARK: - Running

    /// The graph is built: members begin to bring frames and to speak.
    func start() throws {
        for bundle in bundles {
            for member in bundle.members {
                try engine.setFeature(
                    BundleInput.name, on: FeatureArc.deviceInput.name, interface: member.port, true)
            }
            bundle.start()
        }
    }

    /// Tells the other sides that the links are to be used no longer.
    func sayFarewell() { for bundle in bundles { bundle.sayFarewell() } }

    /// An LACPDU, which the node has found to be whole.
    func receive(_ punted: PuntedPacket) {
        let place = table[place: punted.rxInterface]
        guard place.isMember, place.bundle > 0, Int(place.bundle) <= bundles.count else { return }
        var frame = punted.bytes
        let packet = frame.withBytes { bytes in
            LACPView(bytes.dropping(first: punted.offset + EthernetView.length)).map { LACPPacket($0) }
        }
        guard let packet else { return }
        bundles[Int(place.bundle) - 1].receive(packet, place.member, arrival: milliseconds(punted.clock))
    }

    /// A moment in the time of the state machines.
    func milliseconds(_ clock: UInt64) -> Int { clock > origin ? Int(Clock.seconds(clock - origin) * 1000) : 0 }
}
