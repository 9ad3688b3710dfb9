// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What the control side asks of a session, or a timer: the upper half of a token, above the slot's number.
enum BFDRequest: UInt64 {
    case timer, begin, change, adminDown, adminUp, leave, guardOn, guardOff

    func token(_ slot: Int) -> UInt64 { rawValue << 32 | UInt64(slot) }

    init?(token: UInt64) { self.init(rawValue: token >> 32) }

    static func slot(_ token: UInt64) -> Int { Int(truncatingIfNeeded: token & 0xffff_ffff) }
}

// Timers, requests and what follows from them.
extension BFDInput {
    public mutating func wake(_ token: UInt64, _ context: Context) {
        let slot = BFDRequest.slot(token)
        // Withdrawn meanwhile.
        guard table[slot].discriminator != 0, isMine(slot), let request = BFDRequest(token: token) else { return }
        let now = microseconds(context)
        let before = table[slot].session
        var reaction = BFDReaction()
        switch request {
        case .timer:
            let late = now - min(now, table[slot].scheduled)
            table[slot].scheduled = .max
            if now >= table[slot].leavesAt { return finish(slot, context) }
            reaction = table[slot].session.expire(now: now, late: late)
        case .begin:
            table[slot].leavesAt = .max
            reaction = table[slot].session.setAdministrativelyDown(false, now: now)
            table[slot].session.change(to: table[slot].staged, now: now)
        case .change: table[slot].session.change(to: table[slot].staged, now: now)
        case .guardOn: table[slot].isGuard = true
        case .guardOff:
            table[slot].isGuard = false
            if table[slot].hasFailed { tell(news(slot, before, context), slot, context) }
        case .adminDown: reaction = table[slot].session.setAdministrativelyDown(true, now: now)
        case .adminUp: reaction = table[slot].session.setAdministrativelyDown(false, now: now)
        case .leave:
            reaction = table[slot].session.setAdministrativelyDown(true, now: now)
            // A detection time, as the peer reckons it, so that it surely hears (RFC 5880 section 6.8.16).
            let session = table[slot].session
            let interval = max(session.desiredMinTx, session.remote.requiredMinRx)
            let time = UInt64(session.parameters.multiplier) * UInt64(interval)
            table[slot].leavesAt = now + (session.remote.discriminator == 0 ? 0 : time)
        }
        carryOut(reaction, slot, before, now, context)
    }

    /// The session has said goodbye.
    private func finish(_ slot: Int, _ context: Context) {
        context.cancel(table[slot].timer)
        var news = news(slot, table[slot].session, context)
        news.hasLeft = true
        tell(news, slot, context)
        if table[slot].unreported != nil { schedule(slot, microseconds(context), context) }
    }

    // MARK: - Reactions

    func carryOut(_ reaction: BFDReaction, _ slot: Int, _ before: BFDSession, _ now: UInt64, _ context: Context) {
        if reaction.contains(.stateChanged) {
            let news = news(slot, before, context)
            if news.isFailure {
                table[slot].hasFailed = true
                // First of all: from here on no packet goes the way that is lost.
                if table[slot].keepsNeighborDown { adjacencies.setBFDDown(table[slot].adjacency, true) }
            } else if news.isPathTrusted {
                table[slot].hasFailed = false
            }
            tell(news, slot, context)
        } else if table[slot].hasFailed, table[slot].session.remote.state == .adminDown {
            // Lost first, and taken out of service then: nothing speaks against the path any more.
            table[slot].hasFailed = false
            tell(news(slot, before, context), slot, context)
        } else if let news = table[slot].unreported {
            tell(news, slot, context)
        }
        if reaction.contains(.final) {
            sendControl(slot, final: true, now, context)
        } else if reaction.contains(.transmit) {
            sendControl(slot, final: false, now, context)
        }
        if reaction.contains(.echo) { sendEcho(slot, context) }
        schedule(slot, now, context)
    }

    private func news(_ slot: Int, _ before: BFDSession, _ context: Context) -> BFDNews {
        let session = table[slot].session
        // The peer's operator took it out of service, or ours did: the path is as good as it was (RFC 5882 section 3.2).
        let isFailure = before.state == .up && session.state == .down && session.remote.state != .adminDown
        return BFDNews(
            slot: UInt32(slot), discriminator: session.discriminator, from: before.state, to: session.state,
            diagnostic: session.diagnostic, remoteState: session.remote.state,
            remoteDiagnostic: session.remote.diagnostic, isFailure: isFailure, hasLeft: false, clock: context.now)
    }

    /// Tells the control side, now or when its queue has room again.
    private func tell(_ latest: BFDNews, _ slot: Int, _ context: Context) {
        var news = latest
        if let missed = table[slot].unreported, missed.clock != latest.clock {
            news.isFailure = news.isFailure || missed.isFailure
            news.hasLeft = news.hasLeft || missed.hasLeft
        }
        table[slot].unreported = context.report(news, to: process) ? nil : news
    }

    /// Sets the session's timer to what comes next; one that is set too early is left alone, and looks again.
    private func schedule(_ slot: Int, _ now: UInt64, _ context: Context) {
        var next = min(table[slot].session.nextEvent, table[slot].leavesAt)
        if table[slot].unreported != nil { next = min(next, now + 1_000) }
        guard next < table[slot].scheduled else { return }
        table[slot].scheduled = next
        let moment = ticks(next)
        guard !context.reschedule(table[slot].timer, at: moment) else { return }
        table[slot].timer = context.schedule(BFDRequest.timer.token(slot), at: moment)
    }
}
