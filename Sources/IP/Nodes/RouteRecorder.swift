// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The record route option (RFC 791 section 3.1): kind, length, pointer, and room for addresses, of which the pointer names the
/// first byte of the next, counted from 1.
enum RecordRoute {
    static let kind: UInt8 = 7
    /// Kind, length and pointer.
    static let headLength = 3

    enum Room {
        /// For one more address, that many bytes from the option's start.
        case at(Int)
        case full
        /// The pointer, or the length, names no place for an address; the offset from the option's start of the wrong byte.
        case malformed(Int)
    }

    /// - Parameter option: The option alone, two bytes at least.
    static func room(in option: Bytes) -> Room {
        guard option.count >= headLength else { return .malformed(1) }
        let pointer = Int(option.load(at: 2, as: UInt8.self))
        if pointer > option.count { return .full }
        guard pointer > headLength, pointer & 3 == 0, pointer + 3 <= option.count else { return .malformed(2) }
        return .at(pointer - 1)
    }

    /// The option among those of a header that has been judged; nil when there is none.
    static func find(in header: IPv4View) -> Bytes? {
        let options = header.options
        var offset = 0
        while offset < options.count {
            let kind = options.load(at: offset, as: UInt8.self)
            if kind == 0 { return nil }
            if kind == 1 {
                offset += 1
                continue
            }
            guard offset + 1 < options.count else { return nil }
            let length = Int(options.load(at: offset + 1, as: UInt8.self))
            guard length >= 2, offset + length <= options.count else { return nil }
            if kind == RecordRoute.kind { return options.dropping(first: offset).prefix(length) }
            offset += length
        }
        return nil
    }
}

/// Knows which address of the router's own belongs into a recorded route.
struct RouteRecorder: BitwiseCopyable, Sendable {
    let exits: RouteExits
    let addresses: PrimaryAddressTable
    /// As `ip4-lookup` has it: the packet's flow takes the same path there.
    let seed: UInt32

    /// The address by which the router speaks where it sends the packet, or the one that the packet is for; nil where it goes
    /// nowhere, or by an interface without an IPv4 address.
    func address(for packet: Packet, _ header: IPv4View) -> IPv4Address? {
        var result = exits.tables.route(to: header.destination, for: packet)
        for stage in 0..<Balancer.depth {
            if result.kind == .loadBalance {
                let range = exits.tables.loadBalances.range(of: result.index)
                let hash = range.mask == 0 ? 0 : FlowHash.ipv4(packet.bytes, seed: Balancer.seed(seed, stage: stage))
                result = exits.tables.loadBalances.bucket(range, hash: hash)
            } else if result.kind == .table {
                result = exits.tables.lookUp(header.destination, in: result.index)
            } else {
                break
            }
        }
        if result.kind == .local { return header.destination }
        guard let interface = exits.interface(of: result) else { return nil }
        let address = addresses[interface]
        return address == .any ? nil : address
    }
}
