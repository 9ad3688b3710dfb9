// SPDX-License-Identifier: Apache-2.0
import Wire

// What happens to a session: packets, time, the operator.
extension BFDSession {
    // MARK: - The peer

    /// A packet that passed all checks of RFC 5880 section 6.8.6 and its authentication.
    public mutating func receive(_ packet: BFDPacket, now: UInt64) -> BFDReaction {
        remote.discriminator = packet.myDiscriminator
        remote.state = packet.state
        remote.diagnostic = packet.diagnostic
        remote.multiplier = packet.multiplier
        remote.isDemanding = packet.flags.contains(.demand)
        remote.isControlPlaneIndependent = packet.flags.contains(.controlPlaneIndependent)
        remote.desiredMinTx = packet.desiredMinTx
        remote.requiredMinRx = packet.requiredMinRx
        remote.requiredMinEchoRx = packet.requiredMinEchoRx
        lastReceived = now
        notePoll(answered: packet.flags.contains(.final), now)
        var reaction = BFDReaction()
        if state != .adminDown {
            reaction = transition(on: packet.state)
            if packet.flags.contains(.poll) {
                // The answer tells the new state as well.
                reaction.remove(.transmit)
                reaction.insert(.final)
            }
        }
        retime(now)
        expectPacket()
        return reaction
    }

    private mutating func transition(on received: BFDState) -> BFDReaction {
        switch (state, received) {
        case (.`init`, .adminDown), (.up, .adminDown), (.up, .down): enter(.down, .neighborSignaledDown)
        case (.down, .down): enter(.`init`, diagnostic)
        case (.down, .`init`), (.`init`, .`init`), (.`init`, .up): enter(.up, .none)
        default: []
        }
    }

    private mutating func enter(_ new: BFDState, _ reason: BFDDiagnostic) -> BFDReaction {
        state = new
        diagnostic = reason
        return [.transmit, .stateChanged]
    }

    /// One of the session's own echo packets came back.
    public mutating func receiveEcho(now: UInt64) {
        lastEchoReceived = now
        if isEchoActive { echoDeadline = now + echoDetectionTime }
    }

    /// When silence is judged, if nothing comes.
    var judgement: UInt64 { min(detectionDeadline, echoDeadline) }

    var echoDetectionTime: UInt64 { UInt64(parameters.multiplier) * UInt64(echoInterval) }

    // MARK: - Time

    /// Whoever calls later than this has been away, microseconds.
    private static var latenessLimit: UInt64 { 2_000 }

    /// Does what is due at `now`.
    ///
    /// Whoever has been away itself does not judge a silent peer at once: what came meanwhile is yet to be read, and where both
    /// share a machine the peer may have stood still as well. It gets as long as the caller was away, but no more than its
    /// interval, and when judgement is due once in each silence: who is late all the time judges all the same.
    ///
    /// - Parameter late: How much later than asked for `expire` is called, microseconds.
    public mutating func expire(now: UInt64, late: UInt64 = 0) -> BFDReaction {
        if late > BFDSession.latenessLimit, now < judgement || excused != lastReceived {
            if now >= judgement { excused = lastReceived }
            judgesFrom = now + min(late, UInt64(isEchoActive ? min(echoInterval, receiveInterval) : receiveInterval))
        }
        let isJudging = now >= judgesFrom
        var reaction = BFDReaction()
        if isJudging, now >= detectionDeadline {
            detectionDeadline = .max
            // Whatever the state: a detection time without a packet, and the peer is a stranger again (section 6.8.1).
            remote = Remote()
            if state == .`init` || state == .up { reaction = enter(.down, .detectionTimeExpired) }
            retime(now)
        }
        if isJudging, now >= echoDeadline {
            echoDeadline = .max
            if isEchoActive { reaction = enter(.down, .echoFailed) }
            retime(now)
        }
        if now >= nextTransmit { reaction.insert(.transmit) }
        if now >= nextEcho {
            nextEcho = now + UInt64(jittered(echoInterval))
            reaction.insert(.echo)
        }
        // A passive session whose peer has gone says nothing.
        if remote.discriminator == 0, parameters.isPassive { reaction.remove(.transmit) }
        return reaction
    }

    // MARK: - The operator

    /// New parameters, at any time: intervals by a poll sequence while the session is Up, the rest at once.
    public mutating func change(to new: BFDParameters, now: UInt64) {
        if new.authentication != parameters.authentication { isReceiveSequenceKnown = false }
        parameters = new
        retime(now)
    }

    /// Takes the session out of service, or back into it (section 6.8.16).
    public mutating func setAdministrativelyDown(_ isDown: Bool, now: UInt64) -> BFDReaction {
        guard isDown != (state == .adminDown) else { return [] }
        let reaction = enter(isDown ? .adminDown : .down, isDown ? .administrativelyDown : .none)
        retime(now)
        return remote.discriminator == 0 && parameters.isPassive ? .stateChanged : reaction
    }

    // MARK: - Timing

    /// Ends the poll sequence when it is answered. The next may begin when no older answer can be taken for its own.
    private mutating func notePoll(answered: Bool, _ now: UInt64) {
        if answered, isPolling {
            isPolling = false
            awaitsUnsolicited = true
            desiredMinTxInForce = desiredMinTx
            requiredMinRxInForce = requiredMinRx
        } else if !answered {
            awaitsUnsolicited = false
        }
    }

    /// Brings all intervals and timers in line with parameters, state and peer (section 6.8.3).
    private mutating func retime(_ now: UInt64) {
        let isUp = state == .up
        let slow = BFDParameters.slowInterval
        let wantedTx = isUp ? parameters.transmitInterval : max(parameters.transmitInterval, slow)
        let wantedRx = isEchoActive ? max(parameters.receiveInterval, slow) : parameters.receiveInterval
        if !isUp {
            desiredMinTx = wantedTx
            requiredMinRx = wantedRx
            desiredMinTxInForce = wantedTx
            requiredMinRxInForce = wantedRx
            isPolling = false
            awaitsUnsolicited = false
        } else if wantedTx != desiredMinTx || wantedRx != requiredMinRx, !isPolling, !awaitsUnsolicited {
            beginPoll(wantedTx, wantedRx)
        }
        if detectionDeadline != .max { expectPacket() }
        scheduleEcho(now)
        scheduleTransmit(now)
    }

    /// A slower rate waits for the peer's consent, and so does a shorter detection time.
    private mutating func beginPoll(_ wantedTx: UInt32, _ wantedRx: UInt32) {
        desiredMinTxInForce = min(desiredMinTx, wantedTx)
        requiredMinRxInForce = max(requiredMinRx, wantedRx)
        desiredMinTx = wantedTx
        requiredMinRx = wantedRx
        isPolling = true
    }

    /// Starts the detection time at the last packet.
    private mutating func expectPacket() {
        lastDetectionTime = detectionTime
        detectionDeadline = lastReceived + lastDetectionTime
    }

    private mutating func scheduleEcho(_ now: UInt64) {
        guard isEchoActive else {
            nextEcho = .max
            echoDeadline = .max
            return
        }
        if nextEcho == .max {
            nextEcho = now
            lastEchoReceived = now
            echoDeadline = now + echoDetectionTime
        } else {
            echoDeadline = max(echoDeadline, lastEchoReceived + echoDetectionTime)
        }
    }
}
