// SPDX-License-Identifier: Apache-2.0
import Wire

/// A packet as a case file writes it: headers from the outside in, then what makes it a wrong one.
struct PacketNotation: Sendable {
    /// Stacks one header; `identification` stands in for `id any`.
    typealias Layer = @Sendable (_ outer: PacketBuilder, _ identification: UInt16) -> PacketBuilder

    /// What is done to the finished packet, in this order.
    enum Change: Sendable {
        case pad(Int)
        case cut(Int)
        case set(Int, [UInt8])
        /// Makes the IPv4 header's checksum right again.
        case mend
    }

    var layers: [Layer] = []
    var changes: [Change] = []
    /// How often the packet comes, one after the other.
    var count = 1

    /// The packet's bytes.
    /// - Parameter actual: A packet to compare with, from which `id any` takes its value.
    func bytes(adopting actual: [UInt8] = []) -> [UInt8] {
        let identification = PacketNotation.identification(of: actual) ?? 0
        var bytes = layers.reduce(PacketBuilder()) { $1($0, identification) }.bytes
        for change in changes {
            switch change {
            case .pad(let length): bytes += [UInt8](repeating: 0, count: max(0, length - bytes.count))
            case .cut(let length): bytes = Array(bytes.prefix(length))
            case .set(let offset, let values):
                for (position, value) in zip(offset..., values) where bytes.indices.contains(position) {
                    bytes[position] = value
                }
            case .mend: PacketNotation.mendChecksum(&bytes)
            }
        }
        return bytes
    }

    // MARK: - The IPv4 header in a frame

    /// Where the frame's IPv4 header begins; nil when it has none, or less than 20 bytes of it.
    static func ipv4Offset(in frame: [UInt8]) -> Int? {
        var offset = 12
        while offset + 2 <= frame.count {
            let type = EtherType(rawValue: UInt16(frame[offset]) << 8 | UInt16(frame[offset + 1]))
            if type == .ipv4 { return offset + 2 + IPv4View.minimumLength <= frame.count ? offset + 2 : nil }
            guard type.isVLANTag else { return nil }
            offset += 4
        }
        return nil
    }

    private static func identification(of frame: [UInt8]) -> UInt16? {
        ipv4Offset(in: frame).map { UInt16(frame[$0 + 4]) << 8 | UInt16(frame[$0 + 5]) }
    }

    private static func mendChecksum(_ frame: inout [UInt8]) {
        guard let offset = ipv4Offset(in: frame) else { return }
        frame.withBytes { window in
            guard let header = IPv4View(window.dropping(first: offset)) else { return }
            header.checksum = 0
            var sum = InternetChecksum()
            sum.add(header.bytes.prefix(max(header.headerLength, IPv4View.minimumLength)))
            header.checksum = sum.value
        }
    }
}
