// SPDX-License-Identifier: Apache-2.0

/// A packet in words, for traces, lists of drops and failed tests: on one line, or as an indented listing.
///
///     02:00:00:00:00:01 > 02:00:00:00:00:02 vlan 7 IPv4 192.0.2.1 > 192.0.2.2 UDP 4000 > 53
///
///     Ethernet 02:00:00:00:00:01 > 02:00:00:00:00:02, 66 bytes
///       802.1Q vlan 7
///         IPv4 192.0.2.1 > 192.0.2.2, ttl 64, length 48
///           UDP 4000 > 53, length 28
///             20 bytes 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f ...
///
/// Takes any bytes whatever: what is wrong with them is said where it stands.
public struct PacketDescription: Hashable, Sendable, CustomStringConvertible {
    /// One header, or the data at the end.
    public struct Layer: Hashable, Sendable {
        /// The header's name, as the listing begins its line; empty for data.
        public let name: String
        /// What a line about the packet has room for: addresses, ports, kinds.
        public let essence: String
        /// The other fields.
        public internal(set) var details: [String]
        /// What is wrong with it.
        public internal(set) var faults: [String] = []
    }

    /// From the outermost header inwards.
    public let layers: [Layer]

    /// Describes a frame from its Ethernet header on.
    /// - Parameter isSnapped: The bytes are only the frame's beginning: it is no fault that there are too few.
    public init(_ frame: Bytes, isSnapped: Bool = false) {
        var dissector = PacketDissector(isSnapped: isSnapped)
        dissector.ethernet(frame)
        layers = dissector.layers
    }

    /// Describes a packet from its IPv4 header on.
    public init(ipv4 packet: Bytes) {
        var dissector = PacketDissector(isSnapped: false)
        dissector.ipv4(packet)
        layers = dissector.layers
    }

    /// Describes a packet from its IPv6 header on.
    public init(ipv6 packet: Bytes) {
        var dissector = PacketDissector(isSnapped: false)
        dissector.ipv6(packet)
        layers = dissector.layers
    }

    /// Describes a frame from its Ethernet header on.
    public init(_ frame: [UInt8], isSnapped: Bool = false) {
        var frame = frame
        self = frame.withBytes { PacketDescription($0, isSnapped: isSnapped) }
    }

    /// Describes what was dropped: a frame, or a packet without a link header, as it goes on after it had to wait for its next
    /// hop's address or was put together. That one says its own length where a frame has its addresses.
    /// - Parameter length: Of the whole, of which `bytes` may be the beginning.
    public init(dropped bytes: [UInt8], length: Int) {
        var bytes = bytes
        var dissector = PacketDissector(isSnapped: bytes.count < length)
        func field(at place: Int) -> Int { Int(bytes[place]) << 8 | Int(bytes[place + 1]) }
        let isIPv4 = bytes.count >= 20 && bytes[0] >> 4 == 4 && field(at: 2) == length
        let isIPv6 = bytes.count >= 40 && bytes[0] >> 4 == 6 && field(at: 4) + 40 == length
        bytes.withBytes { packet in
            if isIPv4 {
                dissector.ipv4(packet)
            } else if isIPv6 {
                dissector.ipv6(packet)
            } else {
                dissector.ethernet(packet)
            }
        }
        layers = dissector.layers
    }

    /// Everything that matters on one line, without a line break.
    public var line: String {
        layers.filter { !$0.name.isEmpty }.map { layer in
            let name = layer.name == "Ethernet" || layer.name.hasPrefix("802.1") ? "" : layer.name
            let faults = layer.faults.isEmpty ? "" : "(\(layer.faults.joined(separator: ", ")))"
            return [name, layer.essence, faults].filter { !$0.isEmpty }.joined(separator: " ")
        }.filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// One line for each header, indented by its depth; no line break at the end.
    public var listing: String {
        layers.enumerated().map { depth, layer in
            let head = [layer.name, layer.essence].filter { !$0.isEmpty }.joined(separator: " ")
            let text = ([head] + layer.details + layer.faults).filter { !$0.isEmpty }.joined(separator: ", ")
            return String(repeating: "  ", count: depth) + text
        }.joined(separator: "\n")
    }

    public var description: String { line }
}
