// SPDX-License-Identifier: Apache-2.0
import Graph

/// The sections that shape the engine itself; they are read before any module exists.
struct RouterSettings {
    var engine = Engine.Options()

    static let keys: [Schema.Key] = [
        .key(
            "workers",
            .object([
                .key("count", .integer(1...64), "Forwarding threads; 1 if absent"),
                .key("cores", .list(of: .integer(0...63)), "The core of each worker; the last allowed ones if absent"),
                .key(
                    "spin", .duration,
                    "How long a worker polls without finding a packet before it sleeps; 50us if absent"),
                .key(
                    "hardware-counters", .boolean,
                    "Count instructions and cache misses per node, where the machine can; false if absent"),
            ]), "The threads that forward"),
        .key(
            "buffers",
            .object([
                .key(
                    "count", .integer(512...16_777_216),
                    "Packet buffers; 16384, or 8192 per interface where that is more, if absent"),
                .key(
                    "size", .choice(["2048", "4096", "8192", "16384"]),
                    "Bytes per buffer; as small as the largest MTU allows if absent. A packet to the router that comes in "
                        + "fragments must fit into one, less 256 bytes"),
            ]), "Packet memory"),
        .key(
            "stats", .object([.key("path", .string, "Where other processes map the counters")]), "The counters' segment"
        ),
    ]

    /// - Parameter file: The whole file's setting; its schema has been checked.
    init(_ file: Setting, options: RunOptions) throws(ConfigurationError) {
        if let workers = file["workers"] {
            if let count = workers["count"] { engine.workerCount = try count.integer(in: 1...64) }
            for core in try workers["cores"]?.list ?? [] { engine.cores.append(try core.integer(in: 0...63)) }
            if let spin = workers["spin"] {
                let duration = try spin.duration(in: .zero ... .seconds(10))
                engine.spinMicroseconds = Int(duration / .microseconds(1))
            }
            if let counters = workers["hardware-counters"] { engine.hardwareCounters = try counters.boolean }
        }
        if let workers = options.workers { engine.workerCount = workers }
        engine.chunkSize = try RouterSettings.chunkSize(forMTU: RouterSettings.largestMTU(file))
        // A device holds up to half of that in its rings; the rest is under way.
        let devices = try file["interfaces"]?.map.filter { $0.value["parent"] == nil }.count ?? 0
        engine.bufferCount = max(engine.bufferCount, 8192 * devices)
        if let buffers = file["buffers"] {
            if let count = buffers["count"] { engine.bufferCount = try count.integer(in: 512...16_777_216) }
            if let size = buffers["size"] { engine.chunkSize = try size.integer(in: 2048...16384) }
        }
        if !options.isCheck { engine.statsPath = try file["stats"]?["path"]?.string }
    }

    private static func largestMTU(_ file: Setting) throws(ConfigurationError) -> Int {
        var largest = 1500
        for interface in try file["interfaces"]?.map ?? [] {
            guard let mtu = interface.value["mtu"] else { continue }
            largest = max(largest, try mtu.integer(in: 68...16_000))
        }
        return largest
    }

    /// The smallest chunk that holds a packet of that MTU behind its Ethernet header with two tags.
    private static func chunkSize(forMTU mtu: Int) -> Int {
        let longest = mtu + 22
        return [2048, 4096, 8192].first { $0 - BufferPool.headroom >= longest } ?? 16384
    }
}
