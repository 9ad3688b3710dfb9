// SPDX-License-Identifier: Apache-2.0

/// What one run of a case gave: one value of each figure.
public struct BenchRun: Codable, Sendable, Equatable {
    public var figures: [BenchFigure]
    /// What the reader must know to trust the figures: drops, ring sizes, odd conditions.
    public var notes: [String]

    public init(figures: [BenchFigure] = [], notes: [String] = []) {
        self.figures = figures
        self.notes = notes
    }
}

/// A measured value with its unit.
public struct BenchFigure: Codable, Sendable, Equatable {
    /// A node's name, or what is measured: "sum", "rate".
    public let name: String
    public let unit: Unit
    public let value: Double
    /// For nodes.
    public let packetsPerCall: Double?

    public enum Unit: String, Codable, Sendable {
        /// Ticks of the time stamp counter.
        case clocksPerPacket = "clocks/packet"
        /// Millions of packets per second.
        case megapackets = "Mpps"
        case seconds = "s"
        case microseconds = "us"
        case packets
        case stations
        case mebibytes = "MiB"
        /// A ratio.
        case times = "x"
        case perSecond = "1/s"

        /// Digits after the point that mean something.
        var places: Int {
            switch self {
            case .clocksPerPacket, .mebibytes, .microseconds, .packets: 1
            case .megapackets, .times: 2
            case .seconds: 3
            case .perSecond, .stations: 0
            }
        }
    }

    public init(_ name: String, _ value: Double, _ unit: Unit, packetsPerCall: Double? = nil) {
        self.name = name
        self.unit = unit
        self.value = value
        self.packetsPerCall = packetsPerCall
    }
}
