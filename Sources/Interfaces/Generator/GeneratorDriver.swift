// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// `type: generator`: an interface that receives packets made up from a capture or a description, and takes what is sent.
public enum GeneratorDriver {
    /// Which workers generate.
    enum Workers: String, CaseIterable {
        case first, all
    }

    static let full = "full"
    private static let rate = Schema.Format("full, or a rate in packets per second", example: "full or 100kpps") {
        $0 == full || Quantity.rate($0, .packets) != nil
    }

    static let keys: [Schema.Key] = [
        .key("read", .string, "Capture file whose packets are replayed, again and again; this or 'packets'"),
        .key("packets", .list(of: PacketTemplate.schema, count: 1...4096), "Packets to make, in this order; this or 'read'"),
        .key("rate", .text(rate), "How fast, in packets per second; full if absent"),
        .key("count", .integer(1...Int.max), "Packets after which it ends; never if absent"),
        .key("loops", .integer(1...Int.max), "Times through the packets after which it ends; never if absent"),
        .key("seed", .integer(0...Int.max), "Start of the random order of field values; 1 if absent"),
        .key(
            "workers", .choice(of: Workers.self),
            "Whether the first worker generates (if absent), or all of them, each a part of the packets at its part of the rate"
        ),
    ]

    public static func driver(_ engine: Engine) -> InterfaceDriver {
        InterfaceDriver(
            "generator", "Receives packets from a capture, in a loop, or made from a description",
            keys: keys + CommonInterfaceKeys.keys
        ) { (name, setting) throws(ConfigurationErrors) in
            let entry = try ConfigurationErrors.collecting { errors throws(ConfigurationError) in
                try GeneratorEntry(name, setting, pool: engine.pool, &errors)
            }
            return { try entry.create(engine) }
        }
    }
}

/// One `generator` interface as it stands in the file, checked.
struct GeneratorEntry {
    let common: CommonInterfaceKeys
    var read: String?
    var templates: [PacketTemplate] = []
    /// Packets per second; nil is full speed.
    let rate: UInt64?
    let count: Int?
    let loops: Int?
    let seed: Int
    let workers: GeneratorDriver.Workers

    init(
        _ name: String, _ setting: Setting, pool: BufferPool, _ errors: inout ConfigurationErrors
    ) throws(ConfigurationError) {
        common = try CommonInterfaceKeys(name, setting, pool: pool)
        rate = try GeneratorEntry.rate(setting["rate"])
        count = try setting["count"]?.integer(in: 1...Int.max)
        loops = try setting["loops"]?.integer(in: 1...Int.max)
        seed = try setting["seed"]?.integer(in: 0...Int.max) ?? 1
        workers = try setting["workers"]?.choice() ?? .first
        switch (setting["read"], setting["packets"]) {
        case (let path?, nil):
            read = try path.string
            try CaptureReader.check(path)
        case (nil, let packets?):
            for packet in try packets.list {
                let template = errors.collect { () throws(ConfigurationError) in
                    try PacketTemplate(packet, to: common.mac, capacity: pool.capacity)
                }
                if let template { templates.append(template) }
            }
            if templates.isEmpty, errors.isEmpty { throw packets.error("there are no packets", "describe one at least") }
        default:
            throw setting.error("one of 'read' and 'packets' says what to generate", "give one of them, not both")
        }
    }

    private static func rate(_ setting: Setting?) throws(ConfigurationError) -> UInt64? {
        guard let setting, try setting.string != GeneratorDriver.full else { return nil }
        let rate = try setting.rate(.packets)
        if rate == 0 { throw setting.error("a generator of no packets per second generates nothing", "remove it, or give 1pps or more") }
        return rate
    }

    @ControlPlane
    func create(_ engine: Engine) throws -> Interface {
        let source = try source(engine)
        let interface = try common.createInterface(engine, kind: "generator")
        let parts = workers == .all ? min(engine.workers.count, source.count) : 1
        let limit = [count, loops.map { $0.multipliedReportingOverflow(by: source.count) }.map { $0.overflow ? .max : $0.partialValue }]
            .compactMap { $0 }.min()
        let rate = rate.map { Double($0) / Double(parts) }
        let index = interface.index
        engine.add(
            NodeDescriptor(input: GeneratorInput.self, name: "\(common.name)-rx") { seat in
                func share(_ whole: Int, _ part: Int) -> Int { whole / parts * part + whole % parts * part / parts }
                guard seat.worker < parts else { return GeneratorInput(source, 0..<0, interface: index, limit: 0, rate: nil) }
                let slice = share(source.count, seat.worker)..<share(source.count, seat.worker + 1)
                let part = limit.map { share($0, seat.worker + 1) - share($0, seat.worker) }
                return GeneratorInput(source, slice, interface: index, limit: part, rate: rate)
            })
        engine.attach(interface, output: NullOutput.descriptor("\(common.name)-tx"))
        interface.details = details(source)
        interface.isLinkUp = true
        return interface
    }

    @ControlPlane
    private func source(_ engine: Engine) throws -> PacketSource {
        guard let read else {
            var builder = PacketSource.Builder(capacity: 1 << 20)
            var random = SplitMix64(seed: UInt64(seed))
            for template in templates { template.build(into: &builder, &random) }
            return PacketSource(builder)
        }
        var skipped = 0
        let source = try PacketSource(capture: read, longest: engine.pool.capacity, skipped: &skipped)
        if skipped > 0 {
            engine.log.warning(
                "\(common.name): \(skipped) packets of \(read) are longer than a buffer holds (\(engine.pool.capacity) bytes) and are left out; set a larger `buffers.chunk-size`"
            )
        }
        return source
    }

    private func details(_ source: PacketSource) -> [(name: String, value: String)] {
        var details = [("packets", "\(source.count)"), ("bytes", "\(source.byteCount)")]
        details.append(("rate", rate.map { "\($0) packets/s" } ?? GeneratorDriver.full))
        if let read { details.append(("read", read)) }
        return details
    }
}
