// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// The packets that sessions send, and echo packets on their way out and back.
extension BFDInput {
    /// Internetwork control (RFC 4594), as routers send what keeps their network together.
    private static let trafficClass: UInt8 = 0xc0

    func sendControl(_ slot: Int, final: Bool, _ now: UInt64, _ context: Context) {
        table[slot].session.transmitted(now: now)
        let length = table[slot].session.packetLength
        let port = table[slot].isMultihop ? BFDPort.multihop : BFDPort.control
        let isSent = send(slot, to: table[slot].key.peer, port: port, length: length, context) { payload in
            let packet = table[slot].session.packet(final: final)
            table[slot].session.emit(packet, into: payload)
        }
        if isSent { table[slot].counters.sent &+= 1 } else { table[slot].counters.unsent &+= 1 }
    }

    /// Builds a datagram from the session's address and port and lets it go. False when there is no buffer.
    private func send(
        _ slot: Int, to destination: IPAddress, port: UInt16, length: Int, _ context: Context, _ fill: (Bytes) -> Void
    ) -> Bool {
        guard let packet = context.allocate() else { return false }
        let udp = UDPHeader(sourcePort: table[slot].sourcePort, destinationPort: port)
        packet.header.rxInterface = table[slot].viaInterface
        packet.header.txInterface = 0
        packet.header.adjacency = table[slot].adjacency
        packet.header.flags = [.locallyOriginated, .pinned]
        let datagramLength = UDPView.length + length
        switch (table[slot].local, destination) {
        case (.v4(let source), .v4(let destination)):
            packet.truncate(to: IPv4Header.length + datagramLength)
            let datagram = packet.bytes.dropping(first: IPv4Header.length)
            fill(datagram.dropping(first: UDPView.length))
            udp.emit(into: datagram, source: source, destination: destination)
            IPv4Header(
                source: source, destination: destination, protocol: .udp, payloadLength: datagramLength,
                timeToLive: 255, trafficClass: BFDInput.trafficClass, dontFragment: true
            ).emit(into: packet.bytes)
            context.start(packet, on: table[slot].isMultihop ? Next.ip4Lookup : .ip4Rewrite)
        case (.v6(let source), .v6(let destination)):
            packet.truncate(to: IPv6View.length + datagramLength)
            let datagram = packet.bytes.dropping(first: IPv6View.length)
            fill(datagram.dropping(first: UDPView.length))
            udp.emit(into: datagram, source: source, destination: destination)
            IPv6Header(
                source: source, destination: destination, nextHeader: .udp, payloadLength: datagramLength,
                hopLimit: 255, trafficClass: BFDInput.trafficClass
            ).emit(into: packet.bytes)
            context.start(packet, on: table[slot].isMultihop ? Next.ip6Lookup : .ip6Rewrite)
        default:
            // A session's addresses are of one family.
            context.free(packet)
            return false
        }
        return true
    }

    // MARK: - Echo

    /// Cookie, discriminator and a number that counts them.
    private static let echoLength = 16

    /// Addressed to this router itself: the neighbour forwards it back (RFC 5881 section 4).
    func sendEcho(_ slot: Int, _ context: Context) {
        table[slot].echoSequence &+= 1
        let isSent = send(
            slot, to: table[slot].local, port: BFDPort.echo, length: BFDInput.echoLength, context
        ) { payload in
            payload.storeNetwork(table[slot].cookie, at: 0)
            payload.storeNetwork(table[slot].discriminator, at: 8)
            payload.storeNetwork(table[slot].echoSequence, at: 12)
        }
        if isSent { table[slot].counters.echoesSent &+= 1 } else { table[slot].counters.unsent &+= 1 }
    }

    /// One of ours that came back, or one of a peer that wants it back and addressed it to us.
    mutating func decideEcho(
        _ packet: Packet, _ datagram: BFDDatagram, _ trace: inout Trace, _ context: Context
    ) -> Verdict<Next, Reason> {
        guard datagram.source == datagram.destination else { return loop(packet, datagram, context) }
        let payload = datagram.udp.payload
        guard payload.count >= BFDInput.echoLength else { return .drop(.truncated) }
        trace.yourDiscriminator = payload.network(at: 8)
        guard let slot = table.find(trace.yourDiscriminator), table[slot].cookie == payload.network(at: 0) else {
            return .drop(.unknownEcho)
        }
        guard isMine(slot) else { return handOff(packet, to: slot, context) }
        table[slot].counters.echoesReceived &+= 1
        let now = microseconds(context)
        let before = table[slot].session
        table[slot].session.receiveEcho(now: now)
        carryOut([], slot, before, now, context)
        context.free(packet)
        return .kept
    }

    /// Sends a peer's echo packet back to it, one hop older. It has not passed another router, so nobody else can use us to
    /// send packets to the peer.
    private mutating func loop(
        _ packet: Packet, _ datagram: BFDDatagram, _ context: Context
    ) -> Verdict<Next, Reason> {
        guard datagram.timeToLive == 255 else { return .drop(.notFromNeighbor) }
        guard let slot = table.find(.singleHop(packet.header.rxInterface, peer: datagram.source)) else {
            return .drop(.unknownPeer)
        }
        guard isMine(slot) else { return handOff(packet, to: slot, context) }
        let session = table[slot].session
        guard session.state == .up, session.parameters.echoReceiveInterval > 0 else { return .drop(.echoRefused) }
        packet.header.adjacency = table[slot].adjacency
        packet.header.flags.formUnion([.locallyOriginated, .pinned])
        table[slot].counters.echoesLooped &+= 1
        // The sums do not mind the order of the addresses.
        if let header = IPv6View(packet.bytes), case .v6(let peer) = datagram.source,
            case .v6(let own) = datagram.destination
        {
            header.source = own
            header.destination = peer
            header.decrementHopLimit()
            return .to(.ip6Rewrite)
        }
        guard let header = IPv4View(packet.bytes), case .v4(let peer) = datagram.source,
            case .v4(let own) = datagram.destination
        else { return .drop(.echoRefused) }
        header.bytes.storeNetwork(own.value, at: 12)
        header.bytes.storeNetwork(peer.value, at: 16)
        header.decrementTimeToLive()
        return .to(.ip4Rewrite)
    }
}
