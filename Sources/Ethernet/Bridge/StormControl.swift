// SPDX-License-Identifier: Apache-2.0
import Graph

/// Kinds of frames that a bridge floods.
enum FloodKind: Int, CaseIterable, BitwiseCopyable {
    case broadcast, multicast, unknownUnicast

    /// - Parameter destination: As a little-endian load gives it, in the low 48 bits.
    @inline(__always)
    init(_ destination: UInt64) {
        self =
            if destination & EthernetInput.groupBit == 0 { .unknownUnicast } else if destination == 0xffff_ffff_ffff {
                .broadcast
            } else { .multicast }
    }
}

/// How many frames of each kind a member may have flooded (storm control): for all workers together, by one word each.
///
/// Not freed while workers run: the store that made it keeps it until the router has stopped.
final class StormControl: Sendable {
    /// How much of one kind passes.
    private struct Gate: ~Copyable, Sendable {
        private let bucket = SharedTokenBucket()
        /// Nil for no limit.
        private let rate: TokenRate?

        init(_ limit: Int?) { rate = limit.map { TokenRate(perSecond: Double($0), burst: max(1, $0 / 10)) } }

        borrowing func admits(_ now: UInt64) -> Bool {
            guard let rate else { return true }
            return bucket.take(now, rate)
        }
    }

    private let broadcasts: Gate
    private let multicasts: Gate
    private let unknownUnicasts: Gate
    /// - Parameter limits: Frames per second for each of ``FloodKind``, at least 1; nil for any number. A tenth of a second's worth may come
    ///   at once.
    init(_ limits: [Int?]) {
        broadcasts = Gate(limits[FloodKind.broadcast.rawValue])
        multicasts = Gate(limits[FloodKind.multicast.rawValue])
        unknownUnicasts = Gate(limits[FloodKind.unknownUnicast.rawValue])
    }

    /// Whether one more frame may be flooded. Any worker.
    func admits(_ kind: FloodKind, _ now: UInt64) -> Bool {
        switch kind {
        case .broadcast: broadcasts.admits(now)
        case .multicast: multicasts.admits(now)
        case .unknownUnicast: unknownUnicasts.admits(now)
        }
    }
}
