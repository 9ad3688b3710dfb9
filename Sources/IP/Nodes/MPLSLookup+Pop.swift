// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// What comes off the stack, and the odd packets.
extension MPLSLookup {
    /// A packet that did not show a label with a TTL above 1: what is wrong with it, or the end of its path.
    @inline(never)
    func forwardRarely(_ packet: Packet) -> Decision {
        guard packet.length >= MPLSView.length else { return .drop(.truncated) }
        guard !packet.header.flags.contains(.notToThisStation) else { return .drop(.linkBroadcast) }
        let entry = MPLSEntry(rawValue: packet.bytes.network(at: 0))
        let result = labels[entry]
        return take(packet, entry, follow(result.forwarding, packet), result.isUniform)
    }

    /// Does what a label says, and what the labels below it say once it is off.
    @inline(never)
    func take(_ packet: Packet, _ first: MPLSEntry, _ forwarding: Forwarding, _ isUniform: Bool) -> Decision {
        var (entry, forwarding, isUniform) = (first, forwarding, isUniform)
        while true {
            switch forwarding.kind {
            case .path:
                guard entry.timeToLive > 1 else { return expire(packet) }
                return takePath(packet, entry, forwarding.index, isUniform)
            case .rewrite:
                guard entry.timeToLive > 1 else { return expire(packet) }
                return pop(packet, entry, towards: forwarding.index, isUniform)
            case .local:
                guard entry.timeToLive > 0 else { return .drop(.ttlExpired) }
                return .to(arc: UInt16(truncatingIfNeeded: forwarding.index))
            case .table:
                guard entry.timeToLive > 0 else {
                    if forwarding != .nextLabel, forwarding != .ingressTable { packet.setTable(forwarding.index) }
                    return expire(packet)
                }
                guard forwarding == .nextLabel else { return popToIP(packet, entry, forwarding, isUniform) }
                guard let next = uncover(packet, entry, isUniform) else { return .drop(.truncated) }
                entry = next
            case .discard, .glean, .loadBalance:
                // An entropy label is no label of the path's: what is above it is the last one, if it is followed by nothing
                // else (RFC 6790 section 4.3).
                guard let next = removeEntropy(packet, entry, forwarding) else {
                    return .drop(MPLSLookup.reason(forwarding))
                }
                guard let next else { return popToIP(packet, nil, .ingressTable, false) }
                entry = next
            }
            let result = labels[entry]
            forwarding = follow(result.forwarding, packet)
            isUniform = result.isUniform
        }
    }

    /// A label's time to live has run out: the sender of the IP packet below hears of it.
    /// - Parameter isOutgoing: The label is the next router's.
    @inline(never)
    private func expire(_ packet: Packet, isOutgoing: Bool = false) -> Decision {
        packet.requestMPLSError(MPLSErrorRequest(.ttlExpired, isOutgoing: isOutgoing))
        return .to(.icmpError)
    }

    private static func reason(_ forwarding: Forwarding) -> Reason {
        guard forwarding.kind == .discard else { return .loop }
        guard forwarding != .nextHopDown else { return .unreachable }
        return Reason(rawValue: UInt16(truncatingIfNeeded: forwarding.index)) ?? .unreachable
    }

    /// Takes the label off, of which there are more, and returns the next; nil when the packet ends there.
    private func uncover(_ packet: Packet, _ entry: MPLSEntry, _ isUniform: Bool) -> MPLSEntry? {
        guard packet.length >= 2 &* MPLSView.length else { return nil }
        packet.advance(MPLSView.length)
        var next = MPLSEntry(rawValue: packet.bytes.network(at: 0))
        if isUniform { next = next.adopting(entry.timeToLive, entry.trafficClass) }
        packet.bytes.storeNetwork(next.rawValue, at: 0)
        return next
    }

    /// Removes an entropy label with its indicator, at the top of the stack or below a label that must be the last.
    /// - Returns: What is at the top then: `.some(nil)` for no label any more; nil when there is no entropy label.
    private func removeEntropy(_ packet: Packet, _ entry: MPLSEntry, _ forwarding: Forwarding) -> MPLSEntry?? {
        guard !entry.isBottom else { return nil }
        if entry.label == .entropyIndicator {
            guard let entropy = label(1, packet) else { return nil }
            packet.advance(2 &* MPLSView.length)
            if entropy.isBottom { return .some(nil) }
            return label(0, packet)
        }
        guard forwarding == .discard(.notBottom), let indicator = label(1, packet), let entropy = label(2, packet),
            indicator.label == .entropyIndicator, !indicator.isBottom
        else { return nil }
        packet.advance(2 &* MPLSView.length)
        let merged = MPLSEntry(
            entry.label, trafficClass: entry.trafficClass, isBottom: entropy.isBottom, timeToLive: entry.timeToLive)
        packet.bytes.storeNetwork(merged.rawValue, at: 0)
        return merged
    }

    private func label(_ position: Int, _ packet: Packet) -> MPLSEntry? {
        let offset = position &* MPLSView.length
        guard packet.length >= offset &+ MPLSView.length else { return nil }
        return MPLSEntry(rawValue: packet.bytes.network(at: offset))
    }

    // MARK: - Towards a neighbour

    /// Takes the label off and sends what is below it to a neighbour, which gave out implicit null (RFC 3031 section 3.16).
    @inline(never)
    func pop(_ packet: Packet, _ entry: MPLSEntry, towards adjacency: AdjacencyIndex, _ isUniform: Bool) -> Decision {
        guard entry.isBottom else {
            let outgoing = entry.adopting(entry.timeToLive &- 1, entry.trafficClass)
            guard let next = uncover(packet, outgoing, isUniform) else { return .drop(.truncated) }
            // Of a pipe it is neither judged nor changed (RFC 3443 section 3.5), but nothing leaves with 0.
            packet.header.adjacency = adjacency
            guard next.timeToLive > 0 else { return expire(packet, isOutgoing: true) }
            return .to(.rewrite)
        }
        packet.advance(MPLSView.length)
        guard packet.length > 0 else { return .drop(.truncated) }
        packet.header.adjacency = adjacency
        switch packet.bytes.load(at: 0, as: UInt8.self) &>> 4 {
        case 4:
            guard let header = IPv4View(packet.bytes), header.headerLength >= IPv4View.minimumLength,
                header.isChecksumRight, header.totalLength >= header.headerLength, header.totalLength <= packet.length
            else { return .drop(.badIpHeader) }
            packet.truncate(to: header.totalLength)
            if isUniform { header.adopt(entry.timeToLive, entry.trafficClass) }
            return .to(.ip4Rewrite)
        case 6:
            guard let header = IPv6View(packet.bytes), header.totalLength <= packet.length else {
                return .drop(.badIpHeader)
            }
            packet.truncate(to: header.totalLength)
            if isUniform { header.adopt(entry.timeToLive, entry.trafficClass) }
            return .to(.ip6Rewrite)
        default: return .drop(.notIp)
        }
    }

    // MARK: - To IP

    /// Takes the last label off, and has the packet below routed by a table. The header is checked there.
    /// - Parameter entry: The label; nil when it is off already.
    private func popToIP(
        _ packet: Packet, _ entry: MPLSEntry?, _ table: Forwarding, _ isUniform: Bool
    ) -> Decision {
        if entry != nil { packet.advance(MPLSView.length) }
        guard packet.length > 0 else { return .drop(.truncated) }
        let version = packet.bytes.load(at: 0, as: UInt8.self) &>> 4
        if let entry, entry.label.isReserved {
            guard version == (entry.label == .ipv6ExplicitNull ? 6 : 4) else { return .drop(.notIp) }
        }
        if table != .ingressTable { packet.setTable(table.index) }
        let adopted = isUniform ? entry : nil
        switch version {
        case 4:
            if let adopted { IPv4View(packet.bytes)?.adopt(adopted.timeToLive, adopted.trafficClass) }
            return .to(.ip4Input)
        case 6:
            if let adopted { IPv6View(packet.bytes)?.adopt(adopted.timeToLive, adopted.trafficClass) }
            return .to(.ip6Input)
        default: return .drop(.notIp)
        }
    }
}

extension Packet {
    /// Has the packet routed by a table of its own (VRF).
    fileprivate func setTable(_ table: UInt32) {
        header.txInterface = table
        header.flags.insert(.hasTable)
    }
}

extension MPLSEntry {
    /// The same label with the TTL and traffic class of the one above it, which is taken off (RFC 3443 section 3.1).
    @inline(__always)
    fileprivate func adopting(_ timeToLive: UInt8, _ trafficClass: UInt8) -> MPLSEntry {
        MPLSEntry(label, trafficClass: trafficClass, isBottom: isBottom, timeToLive: timeToLive)
    }
}

extension IPv4View {
    /// Takes TTL and traffic class over from the last label; a right checksum stays right. The traffic class becomes the
    /// precedence (RFC 3270 section 2.6.1 leaves the mapping to the operator; this is the common one).
    fileprivate func adopt(_ timeToLive: UInt8, _ trafficClass: UInt8) {
        adopt(bytes.load(at: 1, as: UInt8.self) & 0x1f | trafficClass &<< 5, at: 1)
        adopt(timeToLive, at: 8)
    }

    private func adopt(_ value: UInt8, at offset: Int) {
        let place = offset & ~1
        let old: UInt16 = bytes.network(at: place)
        bytes.store(value, at: offset)
        checksum = InternetChecksum.update(checksum, word: old, to: bytes.network(at: place))
    }
}

extension IPv6View {
    /// Takes hop limit and traffic class over from the last label, as `IPv4View` does.
    fileprivate func adopt(_ hopLimit: UInt8, _ trafficClass: UInt8) {
        self.hopLimit = hopLimit
        self.trafficClass = self.trafficClass & 0x1f | trafficClass &<< 5
    }
}
