// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// What the operator sees of sessions.
extension BFDManager {
    var ordered: [Session] {
        sessions.values.sorted {
            ($0.key.peer, $0.key.interface, $0.key.local) < ($1.key.peer, $1.key.interface, $1.key.local)
        }
    }

    var peers: [String] { Set(sessions.keys.map { "\($0.peer)" }).sorted() }

    func sessions(with peer: IPAddress) -> [Session] { ordered.filter { $0.key.peer == peer } }

    func counters(of session: Session) -> BFDCounters { live(session) - session.baseline }

    func clearCounters() { for session in sessions.values { session.baseline = live(session) } }

    private func live(_ session: Session) -> BFDCounters {
        session.seat.map { table[$0.slot].counters } ?? BFDCounters()
    }

    /// What its worker has, or, while it waits, what it would begin with.
    private func protocolSession(_ session: Session) -> BFDSession {
        session.seat.map { table[$0.slot].session }
            ?? BFDSession(discriminator: 0, parameters: session.parameters, now: 0, seed: 1)
    }

    func rows() -> [BFDReport.Row] { ordered.map(row) }

    private func row(_ session: Session) -> BFDReport.Row {
        let live = protocolSession(session)
        return BFDReport.Row(
            peer: session.key.peer, interface: session.interface?.name, local: session.seat?.local,
            isMultihop: session.interface == nil, isWaiting: session.seat == nil, state: live.state,
            diagnostic: session.seat == nil ? BFDReport.noAddress : live.diagnostic.description,
            remoteState: live.remote.state,
            transmitIntervalMicroseconds: session.seat == nil ? 0 : live.transmitInterval,
            detectionTimeMicroseconds: live.detectionTime,
            echoIntervalMicroseconds: live.isEchoActive ? live.echoInterval : 0, ups: session.upCount,
            failures: session.failureCount, worker: session.seat?.worker,
            clients: session.clients.sorted { $0.key < $1.key }.map(\.value.name))
    }

    func counterRows() -> [BFDCounterReport.Row] {
        ordered.map {
            BFDCounterReport.Row(peer: $0.key.peer, interface: $0.interface?.name, counters: counters(of: $0))
        }
    }

    func detail(_ session: Session) -> BFDDetailReport.Detail {
        let live = protocolSession(session)
        let now = Clock.now
        return BFDDetailReport.Detail(
            session: row(session), profile: session.profile,
            isAdminDown: session.isAdminDown, isPassive: live.parameters.isPassive,
            authentication: BFDDetailReport.name(live.parameters.authentication.kind),
            local: BFDDetailReport.Side(
                discriminator: live.discriminator, state: live.state, diagnostic: live.diagnostic.description,
                multiplier: live.parameters.multiplier, desiredMinTxMicroseconds: live.desiredMinTx,
                requiredMinRxMicroseconds: live.requiredMinRx,
                requiredMinEchoRxMicroseconds: live.parameters.echoReceiveInterval, isDemanding: false),
            remote: live.remote.discriminator == 0
                ? nil
                : BFDDetailReport.Side(
                    discriminator: live.remote.discriminator, state: live.remote.state,
                    diagnostic: live.remote.diagnostic.description, multiplier: live.remote.multiplier,
                    desiredMinTxMicroseconds: live.remote.desiredMinTx,
                    requiredMinRxMicroseconds: live.remote.requiredMinRx,
                    requiredMinEchoRxMicroseconds: live.remote.requiredMinEchoRx,
                    isDemanding: live.remote.isDemanding),
            isPolling: live.isPolling, counters: counters(of: session),
            changes: session.history.reversed().map { change in
                BFDDetailReport.Change(
                    secondsAgo: Clock.seconds(now &- change.clock), from: change.from, to: change.to,
                    diagnostic: change.diagnostic.description, isFailure: change.isFailure)
            })
    }
}
