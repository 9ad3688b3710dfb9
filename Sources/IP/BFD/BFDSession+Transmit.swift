// SPDX-License-Identifier: Apache-2.0
import Wire

// What a session sends, and how packets are sealed and their seals judged.
extension BFDSession {
    /// The control packet to send now (RFC 5880 section 6.8.7).
    ///
    /// - Parameter final: Whether it answers the peer's poll; otherwise it carries the session's own, if there is one.
    public func packet(final: Bool) -> BFDPacket {
        var flags: BFDFlags = final ? [.final, .controlPlaneIndependent] : .controlPlaneIndependent
        if isPolling, !final { flags.insert(.poll) }
        if parameters.authentication.kind != .none { flags.insert(.authenticated) }
        return BFDPacket(
            state: state, diagnostic: diagnostic, flags: flags, multiplier: parameters.multiplier,
            myDiscriminator: discriminator, yourDiscriminator: remote.discriminator, desiredMinTx: desiredMinTx,
            requiredMinRx: requiredMinRx, requiredMinEchoRx: parameters.echoReceiveInterval)
    }

    /// A control packet was sent.
    public mutating func transmitted(now: UInt64) {
        lastSent = now
        scheduledInterval = 0
        nextTransmit = .max
        scheduleTransmit(now)
    }

    // MARK: - Sequence numbers

    /// Whether a packet with this sequence number may be the next one (sections 6.7.3 and 6.7.4).
    ///
    /// - Parameter multiplier: The packet's own.
    func mayFollow(_ sequence: UInt32, multiplier: UInt8, now: UInt64) -> Bool {
        guard isReceiveSequenceKnown, now - lastReceived < 2 * lastDetectionTime else { return true }
        let distance = sequence &- receiveSequence
        return distance >= (parameters.authentication.kind.isMeticulous ? 1 : 0) && distance <= 3 * UInt32(multiplier)
    }

    /// A packet with this sequence number was genuine.
    mutating func follow(_ sequence: UInt32) {
        receiveSequence = sequence
        isReceiveSequenceKnown = true
    }

    /// The sequence number of a packet to send: a new one for each packet, or for each that says something new.
    mutating func nextSequence(for packet: BFDPacket) -> UInt32 {
        var contents = packet
        contents.flags.subtract([.poll, .final])
        if parameters.authentication.kind.isMeticulous || contents != lastContents { transmitSequence &+= 1 }
        lastContents = contents
        return transmitSequence
    }
}
