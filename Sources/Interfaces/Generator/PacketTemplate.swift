// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// One entry of a generator's `packets`: headers whose fields vary from packet to packet.
struct PacketTemplate: Sendable {
    struct Ethernet: Sendable {
        var source: FieldValues
        var destination: FieldValues
        /// Of what follows; nil follows from the next header.
        var type: UInt16?
    }

    struct VLAN: Sendable {
        var identifier: FieldValues
        var priority: UInt8
        var kind: EtherType
    }

    struct IPv4: Sendable {
        var source: FieldValues
        var destination: FieldValues
        var timeToLive: FieldValues
        var identification: FieldValues
        var dscp: UInt8
        var dontFragment: Bool
        /// Nil follows from the next header.
        var `protocol`: UInt8?
    }

    struct IPv6: Sendable {
        var source: FieldValues
        var destination: FieldValues
        var hopLimit: FieldValues
        var flowLabel: FieldValues
        var dscp: UInt8
        /// Nil follows from the next header.
        var nextHeader: UInt8?
    }

    struct MPLS: Sendable {
        var label: FieldValues
        var timeToLive: FieldValues
        var trafficClass: UInt8
    }

    enum Transport: Sendable {
        case udp(source: FieldValues, destination: FieldValues)
        case tcp(source: FieldValues, destination: FieldValues, sequence: FieldValues, flags: TCPFlags, window: UInt16)
        case icmp(type: UInt8, code: UInt8, identifier: FieldValues, sequence: FieldValues)
        case icmp6(type: UInt8, code: UInt8, identifier: FieldValues, sequence: FieldValues)
    }

    var ethernet: Ethernet
    /// The outermost tag first.
    var tags: [VLAN] = []
    /// The uppermost label first.
    var labels: [MPLS] = []
    var ipv4: IPv4?
    var ipv6: IPv6?
    var transport: Transport?
    var payload: [UInt8] = []
    /// Bytes of the whole frame without FCS; nil: as long as headers and payload.
    var size: FieldValues?
    /// How many packets to make.
    var count: Int

    /// Adds the template's packets to a source.
    func build(into builder: inout PacketSource.Builder, _ random: inout SplitMix64) {
        for number in 0..<count {
            packet(number, &random).bytes.withUnsafeBytes { builder.append($0) }
        }
    }

    /// All that varies.
    var fields: [FieldValues] {
        var fields = [ethernet.source, ethernet.destination] + tags.map(\.identifier)
        if let ipv4 { fields += [ipv4.source, ipv4.destination, ipv4.timeToLive, ipv4.identification] }
        if let ipv6 { fields += [ipv6.source, ipv6.destination, ipv6.hopLimit, ipv6.flowLabel] }
        fields += labels.flatMap { [$0.label, $0.timeToLive] }
        switch transport {
        case .udp(let source, let destination): fields += [source, destination]
        case .tcp(let source, let destination, let sequence, _, _): fields += [source, destination, sequence]
        case .icmp(_, _, let identifier, let sequence), .icmp6(_, _, let identifier, let sequence):
            fields += [identifier, sequence]
        case nil: break
        }
        return fields + [size].compactMap { $0 }
    }

    /// Bytes of all headers.
    private var headerLength: Int {
        let link = EthernetView.length + tags.count * VLANView.length + labels.count * MPLSView.length
        let network = ipv4 != nil ? IPv4Header.length : ipv6 != nil ? IPv6View.length : 0
        return switch transport {
        case .udp: link + network + UDPView.length
        case .tcp: link + network + TCPHeader.length
        case .icmp, .icmp6: link + network + ICMPv4View.length
        case nil: link + network
        }
    }

    /// Bytes of the longest packet.
    var largestSize: Int {
        max(EthernetView.minimumFrameLength, headerLength + payload.count, Int(size?.largest ?? 0))
    }

    /// The packet of that number, counted from 0.
    func packet(_ number: Int, _ random: inout SplitMix64) -> PacketBuilder {
        let headers = headers(number, &random)
        let room = size.map { Int($0.value(number, &random)) - headerLength } ?? 0
        // What the given payload does not fill is bytes that tell their position.
        let filler = (payload.count..<max(payload.count, room)).map { UInt8(truncatingIfNeeded: $0) }
        return headers.payload(payload + filler).padded()
    }

    private func headers(_ number: Int, _ random: inout SplitMix64) -> PacketBuilder {
        func value<Number: FixedWidthInteger>(_ field: FieldValues) -> Number {
            Number(truncatingIfNeeded: field.value(number, &random))
        }
        var packet = PacketBuilder().ethernet(
            from: MACAddress(value(ethernet.source)), to: MACAddress(value(ethernet.destination)),
            type: tags.isEmpty ? ethernet.type.map(EtherType.init) : nil)
        for (position, tag) in tags.enumerated() {
            let last = position == tags.count - 1
            packet = packet.vlan(
                VLANTag(identifier: value(tag.identifier), priority: tag.priority), kind: tag.kind,
                type: last ? ethernet.type.map(EtherType.init) : nil)
        }
        for label in labels {
            packet = packet.mpls(
                label: value(label.label), trafficClass: label.trafficClass, timeToLive: value(label.timeToLive))
        }
        if let ipv6 {
            packet = packet.ipv6(
                from: IPv6Address(value(ipv6.source) as UInt128), to: IPv6Address(value(ipv6.destination) as UInt128),
                hopLimit: value(ipv6.hopLimit), trafficClass: ipv6.dscp << 2, flowLabel: value(ipv6.flowLabel),
                nextHeader: ipv6.nextHeader.map(IPProtocol.init))
        }
        if let ipv4 {
            packet = packet.ipv4(
                from: IPv4Address(value(ipv4.source)), to: IPv4Address(value(ipv4.destination)),
                timeToLive: value(ipv4.timeToLive), trafficClass: ipv4.dscp << 2,
                identification: value(ipv4.identification), dontFragment: ipv4.dontFragment,
                protocol: ipv4.protocol.map(IPProtocol.init))
        }
        switch transport {
        case .udp(let source, let destination):
            return packet.udp(from: value(source), to: value(destination))
        case .tcp(let source, let destination, let sequence, let flags, let window):
            return packet.tcp(
                from: value(source), to: value(destination), flags: flags, sequenceNumber: value(sequence),
                window: window)
        case .icmp(let type, let code, let identifier, let sequence):
            let rest: UInt32 = value(identifier) << 16 | value(sequence)
            return packet.icmp(ICMPv4Message(type: ICMPv4Type(rawValue: type), code: code, rest: rest))
        case .icmp6(let type, let code, let identifier, let sequence):
            let rest: UInt32 = value(identifier) << 16 | value(sequence)
            return packet.icmp6(ICMPv6Message(type: ICMPv6Type(rawValue: type), code: code, rest: rest))
        case nil:
            return packet
        }
    }
}
