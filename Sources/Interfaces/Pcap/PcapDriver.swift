// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `type: pcap`: an interface that receives what a capture file holds and writes what is sent to another.
///
/// All captures are read by the first worker, in the order in which the file names the interfaces, up to a frame from
/// each in turn: with one worker the same inputs give the same outputs, byte for byte. When all are read the router
/// stops.
public enum PcapDriver {
    static let keys: [Schema.Key] = [
        .key("read", .string, "Capture file (pcap, pcapng) with the packets to receive; none if absent"),
        .key("write", .string, "Capture file for the packets that are sent; created or replaced; none if absent"),
    ]

    public static func driver(_ engine: Engine) -> InterfaceDriver {
        let files = CaptureFiles(clock: CaptureClock(pool: engine.pool))
        return InterfaceDriver(
            "pcap", "Receives from a capture file and sends to another", keys: keys + CommonInterfaceKeys.keys
        ) { (name, setting) throws(ConfigurationErrors) in
            let entry = try ConfigurationErrors.collecting { errors throws(ConfigurationError) in
                try PcapEntry(name, setting, pool: engine.pool, &errors)
            }
            return { try entry.create(engine, files) }
        }
    }
}

/// What the captures of one router share.
@ControlPlane
final class CaptureFiles {
    let clock: CaptureClock
    /// Interfaces by the file that they write, so that no two write the same.
    var writers: [FileIdentity: String] = [:]

    nonisolated init(clock: CaptureClock) { self.clock = clock }
}

/// One `pcap` interface as it stands in the file, checked.
struct PcapEntry {
    let common: CommonInterfaceKeys
    let read: String?
    let write: String?

    init(
        _ name: String, _ setting: Setting, pool: BufferPool, _ errors: inout ConfigurationErrors
    ) throws(ConfigurationError) {
        common = try CommonInterfaceKeys(name, setting, pool: pool)
        read = try setting["read"]?.filePath
        write = try setting["write"]?.filePath
        if let place = setting["read"] {
            errors.collect { () throws(ConfigurationError) in try CaptureReader.check(place) }
        }
        if let read, let write, let input = FileIdentity(of: read), input == FileIdentity(of: write),
            let place = setting["write"]
        {
            errors.append(place.error("this is the file that is read", "write to another"))
        }
    }

    @ControlPlane
    func create(_ engine: Engine, _ files: CaptureFiles) throws -> Interface {
        // Files first: an interface that was created stays.
        let reader = try read.map { path throws(CaptureError) in try CaptureReader(path: path) }
        let writer = try write.map { path throws(CaptureError) in try CaptureWriter(path: path) }
        if let write, let file = FileIdentity(of: write) {
            if let other = files.writers.updateValue(common.name, forKey: file) {
                throw ConfigurationError(
                    at: nil, path: "interfaces.\(common.name).write", "the interface \(other) writes '\(write)' too",
                    "give each interface a file of its own")
            }
        }
        let interface = try common.createInterface(engine, kind: "pcap")
        if let reader { addInput(reader, interface, engine, files.clock) }
        addOutput(writer, interface, engine, files.clock)
        interface.details = [read.map { ("read", $0) }, write.map { ("write", $0) }].compactMap { $0 }
        interface.isLinkUp = true
        return interface
    }

    @ControlPlane
    private func addInput(
        _ reader: CaptureReader, _ interface: Interface, _ engine: Engine, _ clock: CaptureClock
    ) {
        let feed = CaptureFeed(
            reader, interface: interface.index, capacity: engine.pool.capacity, clock: clock,
            oversize: Notice(engine.log), failure: Notice(engine.log))
        engine.add(
            NodeDescriptor(input: PcapInput.self, name: "\(common.name)-rx") { seat in
                PcapInput(seat.worker == 0 ? feed : nil)
            })
    }

    @ControlPlane
    private func addOutput(
        _ writer: CaptureWriter?, _ interface: Interface, _ engine: Engine, _ clock: CaptureClock
    ) {
        let node = "\(common.name)-tx"
        guard let writer else {
            engine.attach(interface, output: NullOutput.descriptor(node))
            return
        }
        let sink = CaptureSink(writer, interface: interface.index, clock: clock, notice: Notice(engine.log))
        engine.attach(
            interface, output: NodeDescriptor(output: PcapOutput.self, name: node) { _ in PcapOutput(sink) })
    }
}

extension CaptureReader {
    /// Checks that the file which is named in the configuration is a capture.
    static func check(_ setting: Setting) throws(ConfigurationError) {
        let path = try setting.filePath
        // A pipe can be opened once only.
        if let file = FileIdentity(of: path), !file.isRegular { return }
        do throws(CaptureError) {
            _ = try CaptureReader(path: path)
        } catch {
            throw setting.error("\(error)")
        }
    }
}
