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
        case .ipv6(var header, let given):
            header.nextHeader = given ?? ipProtocol(behind: position)
            header.payloadLength = UInt16(truncatingIfNeeded: bytes.count)
            emit(IPv6View.length, in: &bytes) { header.emit(into: $0) }
        case .extensionHeader(_, let body, let given):
            let next = given ?? ipProtocol(behind: position)
            bytes = [next.rawValue, UInt8(truncatingIfNeeded: (body.count + 2) / 8 - 1)] + body + bytes
        case .fragment(var header, let given):
            header.next = given ?? ipProtocol(behind: position)
            emit(IPv6Fragment.length, in: &bytes) { header.emit(into: $0) }
        case .mpls(let entry, let given):
            let entry = MPLSEntry(
                entry.label, trafficClass: entry.trafficClass, isBottom: given ?? isBottom(position),
                timeToLive: entry.timeToLive)
            emit(MPLSView.length, in: &bytes) { $0.storeNetwork(entry.rawValue, at: 0) }
        case .gre(var header, let type):
            header.type = type ?? etherType(behind: position)
            emit(header.length, in: &bytes) { header.emit(into: $0) }
        case .udp, .tcp, .icmp, .icmp6: prependTransport(position, to: &bytes)
        }
    }

    private func prependTransport(_ position: Int, to bytes: inout [UInt8]) {
        let addresses = addresses(before: position)
        switch (layers[position], addresses) {
        case (.udp(let header), .ipv4(let source, let destination)):
            emit(UDPView.length, in: &bytes) { header.emit(into: $0, source: source, destination: destination) }
        case (.udp(let header), .ipv6(let source, let destination)):
            emit(UDPView.length, in: &bytes) { header.emit(into: $0, source: source, destination: destination) }
        case (.tcp(let header), .ipv4(let source, let destination)):
            emit(TCPHeader.length, in: &bytes) { header.emit(into: $0, source: source, destination: destination) }
        case (.tcp(let header), .ipv6(let source, let destination)):
            emit(TCPHeader.length, in: &bytes) { header.emit(into: $0, source: source, destination: destination) }
        case (.icmp6(let message), let addresses):
            var (source, destination) = (IPv6Address.any, IPv6Address.any)
            if case .ipv6(let from, let to) = addresses { (source, destination) = (from, to) }
            emit(ICMPv6View.length, in: &bytes) { message.emit(into: $0, source: source, destination: destination) }
        case (.icmp(let message), _):
            emit(ICMPv4View.length, in: &bytes) { message.emit(into: $0) }
        default: break
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
        case .ipv6: return .ipv6
        case .mpls: return .mpls
        default: return .experimental
        }
    }

    private func ipProtocol(behind position: Int) -> IPProtocol {
        guard position + 1 < layers.count else { return .experimental }
        switch layers[position + 1] {
        case .udp: return .udp
        case .tcp: return .tcp
        case .icmp: return .icmp
        case .icmp6: return .icmp6
        case .extensionHeader(let kind, _, _): return kind
        case .fragment: return .fragment
        case .ipv4: return .ipv4
        case .ipv6: return .ipv6
        case .mpls: return .mplsInIP
        case .gre: return .gre
        default: return .experimental
        }
    }

    private func isBottom(_ position: Int) -> Bool {
        guard position + 1 < layers.count, case .mpls = layers[position + 1] else { return true }
        return false
    }

    private enum Addresses {
        case ipv4(IPv4Address, IPv4Address)
        case ipv6(IPv6Address, IPv6Address)
    }

    /// Source and destination for the pseudo header: those of the next IP header outwards.
    private func addresses(before position: Int) -> Addresses {
        for layer in layers[..<position].reversed() {
            if case .ipv4(let header, _, _) = layer { return .ipv4(header.source, header.destination) }
            if case .ipv6(let header, _) = layer { return .ipv6(header.source, header.destination) }
        }
        return .ipv4(.any, .any)
    }
}
