// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Which of a source's packets a session wants, and where their copies go: one cache line.
///
/// A rule never changes: a new one takes its place.
struct CopyRule: BitwiseCopyable {
    struct Options: OptionSet, BitwiseCopyable {
        let rawValue: UInt8

        /// `rate` holds.
        static var hasRate: Options { Options(rawValue: 1 << 0) }
        /// The destination makes frames of any length fit: a tunnel.
        static var anyLength: Options { Options(rawValue: 1 << 1) }
        /// Copies go to the session's file.
        static var toFile: Options { Options(rawValue: 1 << 2) }
    }

    /// The rule of another session for the same packets; 0 for none.
    var next: UInt32 = 0
    /// What the session watches: the sub-interface or bundle, if that is the source, and not its port.
    var source: InterfaceIndex
    /// The interface that copies leave by; 0 if they don't.
    var destination: InterfaceIndex
    /// The place of its counters.
    var slot: UInt32
    var session: UInt16
    var trafficClass: TrafficClass
    var options: Options
    /// The capture list that chooses the packets; 0 for none, that is all of them.
    var list: UInt32
    /// The bytes of a frame that are copied, at most.
    var portion: UInt32
    /// One packet in so many is copied.
    var interval: UInt32
    var rate: TokenRate
}

/// The packets that a session takes.
enum TrafficClass: String, CaseIterable, BitwiseCopyable, Sendable {
    /// All.
    case ethernet
    case ipv4
    case ipv6
    case mpls

    /// Whether a frame belongs to the class, by the EtherType behind its tags.
    @inline(__always)
    func contains(_ frame: Bytes) -> Bool {
        if self == .ethernet { return true }
        let type = EtherType.behindTags(of: frame).type
        return switch self {
        case .ethernet: true
        case .ipv4: type == .ipv4
        case .ipv6: type == .ipv6
        case .mpls: type == .mpls || type == .mplsUpstream
        }
    }
}

extension EtherType {
    /// The type behind up to four tags, that of the last tag if the frame ends there, and the place of what has the type.
    static func behindTags(of frame: Bytes) -> (type: EtherType, offset: Int) {
        guard frame.count >= EthernetView.length else { return (EtherType(rawValue: 0), frame.count) }
        var type = EtherType(rawValue: frame.network(at: 12))
        var offset = EthernetView.length
        for _ in 0..<4 {
            guard type.isVLANTag, offset &+ VLANView.length <= frame.count else { break }
            type = EtherType(rawValue: frame.network(at: offset &+ 2))
            offset &+= VLANView.length
        }
        return (type, offset)
    }
}
