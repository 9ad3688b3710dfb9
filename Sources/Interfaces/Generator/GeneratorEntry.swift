// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// One `generator` interface as it stands in the file, checked.
struct GeneratorEntry {
    let common: CommonInterfaceKeys
    private var read: String?
    private var templates: [PacketTemplate] = []
    /// Packets per second; nil is full speed.
    private let rate: UInt64?
    private let count: Int?
    private let loops: Int?
    private let seed: UInt64
    private let workers: GeneratorDriver.Workers

    /// The memory that made packets may take, bytes.
    private static let memoryLimit = 4 << 30

    init(
        _ name: String, _ setting: Setting, pool: BufferPool, _ errors: inout ConfigurationErrors
    ) throws(ConfigurationError) {
        common = try CommonInterfaceKeys(name, setting, pool: pool)
        rate = try GeneratorEntry.rate(setting["rate"])
        count = try setting["count"]?.integer(in: 1...Int.max)
        loops = try setting["loops"]?.integer(in: 1...Int.max)
        seed = UInt64(try setting["seed"]?.integer(in: 0...Int.max) ?? 1)
        workers = try setting["workers"]?.choice() ?? .first
        switch (setting["read"], setting["packets"]) {
        case (let path?, nil):
            read = try path.filePath
            try CaptureReader.check(path)
        case (nil, let packets?):
            for packet in try packets.list {
                let template = errors.collect { () throws(ConfigurationError) in
                    try PacketTemplate(packet, to: common.mac, capacity: pool.capacity)
                }
                if let template { templates.append(template) }
            }
            try checkAmount(packets)
        default:
            throw setting.error("one of 'read' and 'packets' says what to generate", "give one of them, not both")
        }
    }

    private static func rate(_ setting: Setting?) throws(ConfigurationError) -> UInt64? {
        guard let setting, try setting.string != GeneratorDriver.full else { return nil }
        let rate = try setting.rate(.packets)
        guard rate > 0 else {
            throw setting.error("no packet would ever be sent", "give 1pps or more, or remove the interface")
        }
        return rate
    }

    private func checkAmount(_ packets: Setting) throws(ConfigurationError) {
        let count = templates.reduce(0) { $0 + $1.count }
        let bytes = templates.reduce(0) { $0 + $1.count * ($1.largestSize + PacketSource.lineSize) }
        guard count > PacketTemplate.countLimit || bytes > GeneratorEntry.memoryLimit else { return }
        throw packets.error("\(count) packets would take \(bytes >> 20) MiB of memory", "give smaller 'count's")
    }

    // MARK: - Creating

    @ControlPlane
    func create(_ engine: Engine) throws -> Interface {
        let source = try source(engine)
        let interface = try common.createInterface(engine, kind: "generator")
        let share = Share(
            source: source, interface: interface.index, limit: limit(source), rate: rate.map { Double($0) },
            parts: workers == .all ? min(engine.workers.count, source.count) : 1)
        engine.add(
            NodeDescriptor(input: GeneratorInput.self, name: "\(common.name)-rx") { seat in share.input(seat.worker) })
        engine.attach(interface, output: NullOutput.descriptor("\(common.name)-tx"))
        interface.details = details(source)
        interface.isLinkUp = true
        return interface
    }

    /// How many packets are sent in all; nil for no end.
    private func limit(_ source: PacketSource) -> Int? {
        let looped = loops.map { loops in
            let (product, overflow) = loops.multipliedReportingOverflow(by: source.count)
            return overflow ? Int.max : product
        }
        return [count, looped].compactMap { $0 }.min()
    }

    @ControlPlane
    private func source(_ engine: Engine) throws -> PacketSource {
        guard let read else { return made() }
        var skipped = 0
        let source = try PacketSource(capture: read, longest: engine.pool.capacity, skipped: &skipped)
        if skipped > 0 {
            let text =
                "\(common.name): \(skipped) packets of \(read) are left out, because they are longer than the "
                + "\(engine.pool.capacity) bytes that a buffer holds; set a larger `buffers.size`"
            engine.log.warning("\(text)")
        }
        return source
    }

    private func made() -> PacketSource {
        var builder = PacketSource.Builder(capacity: 1 << 20)
        var random = SplitMix64(seed: seed)
        for template in templates { template.build(into: &builder, &random) }
        return PacketSource(builder)
    }

    private func details(_ source: PacketSource) -> [(name: String, value: String)] {
        let rate = rate.map { "\($0) packets/s" } ?? GeneratorDriver.full
        let details = [("packets", "\(source.count)"), ("bytes", "\(source.byteCount)"), ("rate", rate)]
        return details + [read.map { ("read", $0) }].compactMap { $0 }
    }
}

/// What each worker has to generate: a slice of the packets, a part of their number and of the rate.
private struct Share: Sendable {
    let source: PacketSource
    let interface: InterfaceIndex
    let limit: Int?
    let rate: Double?
    /// How many workers generate.
    let parts: Int

    func input(_ worker: Int) -> GeneratorInput {
        guard worker < parts else { return GeneratorInput(source, 0..<0, interface: interface, limit: 0, rate: nil) }
        let slice = part(of: source.count, before: worker)..<part(of: source.count, before: worker + 1)
        let limit = limit.map { part(of: $0, before: worker + 1) - part(of: $0, before: worker) }
        return GeneratorInput(source, slice, interface: interface, limit: limit, rate: rate.map { $0 / Double(parts) })
    }

    /// How much of `whole` belongs to the workers before that one.
    private func part(of whole: Int, before worker: Int) -> Int {
        whole / parts * worker + whole % parts * worker / parts
    }
}
