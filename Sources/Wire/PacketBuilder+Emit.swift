// SPDX-License-Identifier: Apache-2.0

// The packet is put together from its end to its start, so that each header finds what it covers.
extension PacketBuilder {
    /// Puts the header of the layer at `position` in front of `bytes`, which all layers behind it have made.
    func prepend(_ position: Int, to bytes: inout [UInt8]) {
        switch layers[position] {
        case .payload(let payload):
            bytes = payload + bytes
        case .ethernet(var header, let type):
            header.type = type ?? etherType(behind: position)
            emit(EthernetView.length, in: &bytes) { header.emit(into: $0) }
        case .vlan(let tag, _, let type):
            let type = type ?? etherType(behind: position)
            emit(VLANView.length, in: &bytes) { window in
                window.storeNetwork(tag.rawValue, at: 0)
                window.storeNetwork(type.rawValue, at: 2)
            }
        case .arp(let packet):
            emit(ARPView.length, in: &bytes) { packet.emit(into: $0) }
        case .ipv4(var header, let given, let options):
            header.protocol = given ?? ipProtocol(behind: position)
            header.totalLength = UInt16(truncatingIfNeeded: IPv4Header.length + options.count + bytes.count)
            bytes = options + bytes
            emit(IPv4Header.length, in: &bytes) { window in
                header.emit(into: window)
                if !options.isEmpty { coverOptions(count: options.count, in: window) }
            }
        case .udp(let header):
            let (source, destination) = addresses(before: position)
            emit(UDPView.length, in: &bytes) { header.emit(into: $0, source: source, destination: destination) }
        case .tcp(let header):
            let (source, destination) = addresses(before: position)
            emit(TCPHeader.length, in: &bytes) { header.emit(into: $0, source: source, destination: destination) }
        case .icmp(let message):
            emit(ICMPv4View.length, in: &bytes) { message.emit(into: $0) }
        }
    }

    private func emit(_ length: Int, in bytes: inout [UInt8], _ body: (Bytes) -> Void) {
        bytes = [UInt8](repeating: 0, count: length) + bytes
        bytes.withBytes(body)
    }

    /// Makes a header without options one with `count` bytes of them.
    private func coverOptions(count: Int, in window: Bytes) {
        let view = IPv4View(window)!
        window.store(0x40 | UInt8((IPv4Header.length + count) / 4), at: 0)
        view.checksum = 0
        var sum = InternetChecksum()
        sum.add(window.prefix(view.headerLength))
        view.checksum = sum.value
    }

    private func etherType(behind position: Int) -> EtherType {
        guard position + 1 < layers.count else { return .experimental }
        switch layers[position + 1] {
        case .vlan(_, let kind, _): return kind
        case .arp: return .arp
        case .ipv4: return .ipv4
        default: return .experimental
        }
    }

    private func ipProtocol(behind position: Int) -> IPProtocol {
        guard position + 1 < layers.count else { return .experimental }
        switch layers[position + 1] {
        case .udp: return .udp
        case .tcp: return .tcp
        case .icmp: return .icmp
        default: return .experimental
        }
    }

    /// The addresses for the pseudo header: those of the next IP header outwards.
    private func addresses(before position: Int) -> (source: IPv4Address, destination: IPv4Address) {
        for layer in layers[..<position].reversed() {
            if case .ipv4(let header, _, _) = layer { return (header.source, header.destination) }
        }
        return (.any, .any)
    }
}
