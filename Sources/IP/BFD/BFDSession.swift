// SPDX-License-Identifier: Apache-2.0
import Wire

/// One BFD session: the variables and procedures of RFC 5880 section 6.8, without a socket and without a clock.
///
/// Time comes in with each call, in microseconds from any beginning. What is to be done goes out as a `BFDReaction`:
/// packets to send and news to tell. Between calls `nextEvent` says when `expire` has something to do.
public struct BFDSession: BitwiseCopyable, Sendable {
    /// What the peer's last packet said; as initialised when there was none for a detection time.
    public struct Remote: Hashable, Sendable, BitwiseCopyable {
        public internal(set) var discriminator: UInt32 = 0
        public internal(set) var state = BFDState.down
        public internal(set) var diagnostic = BFDDiagnostic.none
        public internal(set) var multiplier: UInt8 = 0
        public internal(set) var isDemanding = false
        public internal(set) var isControlPlaneIndependent = false
        /// Microseconds.
        public internal(set) var desiredMinTx: UInt32 = 0
        public internal(set) var requiredMinRx: UInt32 = 1
        public internal(set) var requiredMinEchoRx: UInt32 = 0
    }

    /// `bfd.LocalDiscr`, never 0.
    public let discriminator: UInt32
    /// `bfd.SessionState`.
    public internal(set) var state = BFDState.down
    /// `bfd.LocalDiag`: why the session last left Up; none once it is Up again.
    public internal(set) var diagnostic = BFDDiagnostic.none
    public internal(set) var remote = Remote()
    public internal(set) var parameters: BFDParameters

    /// `bfd.DesiredMinTxInterval` as advertised.
    public internal(set) var desiredMinTx: UInt32
    /// `bfd.RequiredMinRxInterval` as advertised.
    public internal(set) var requiredMinRx: UInt32
    /// The two as they are in force: while a poll sequence runs, the side that is safe before and after it.
    var desiredMinTxInForce: UInt32
    var requiredMinRxInForce: UInt32
    /// A poll sequence is being transmitted.
    public internal(set) var isPolling = false
    /// The poll sequence is over, but answers to its later packets may still come: they would end the next one early.
    var awaitsUnsolicited = false

    /// When the last valid packet came, and when one must have come again.
    var lastReceived: UInt64 = 0
    /// Silence is judged no earlier: whoever looks had been away.
    var judgesFrom: UInt64 = 0
    /// The `lastReceived` of the silence whose judgement was put off.
    var excused: UInt64 = .max
    var detectionDeadline = UInt64.max
    /// The detection time that held at the last packet.
    var lastDetectionTime: UInt64 = 0
    /// When the last packet went, when the next goes, and the interval for which that was drawn; 0: none is due.
    var lastSent: UInt64 = 0
    var nextTransmit = UInt64.max
    var scheduledInterval: UInt32 = 0
    var nextEcho = UInt64.max
    var lastEchoReceived: UInt64 = 0
    var echoDeadline = UInt64.max

    // Authentication: the sequence numbers of RFC 5880 section 6.7.
    var transmitSequence: UInt32
    var lastContents: BFDPacket
    var receiveSequence: UInt32 = 0
    var isReceiveSequenceKnown = false

    private var random: UInt32

    /// - Parameters:
    ///   - seed: Of the jitter and of the first sequence number.
    public init(discriminator: UInt32, parameters: BFDParameters, now: UInt64, seed: UInt32) {
        self.discriminator = discriminator
        self.parameters = parameters
        desiredMinTx = max(parameters.transmitInterval, BFDParameters.slowInterval)
        requiredMinRx = parameters.receiveInterval
        desiredMinTxInForce = desiredMinTx
        requiredMinRxInForce = requiredMinRx
        transmitSequence = seed &* 0x9e37_79b9
        lastContents = BFDPacket(state: .down, myDiscriminator: discriminator)
        random = seed | 1
        // The first packet goes at once, or within the interval's jitter: a thousand sessions do not start in step.
        lastSent = now
        scheduleTransmit(now)
        if nextTransmit != .max { nextTransmit = now + UInt64(draw(below: desiredMinTx / 4)) }
    }

    // MARK: - Derived values

    /// The present interval between packets before jitter, microseconds; 0: no packets are sent periodically.
    public var transmitInterval: UInt32 {
        sendsPeriodically ? max(desiredMinTxInForce, remote.requiredMinRx) : 0
    }

    /// How long the peer may be silent, microseconds; 0 while nothing was heard of it.
    public var detectionTime: UInt64 {
        UInt64(remote.multiplier) * UInt64(receiveInterval)
    }

    /// The peer's present interval between packets before jitter, microseconds.
    var receiveInterval: UInt32 { max(requiredMinRxInForce, remote.desiredMinTx) }

    /// Whether echo packets are sent now.
    public var isEchoActive: Bool {
        state == .up && parameters.echoInterval > 0 && remote.requiredMinEchoRx > 0
    }

    /// The present interval between echo packets before jitter, microseconds.
    public var echoInterval: UInt32 { max(parameters.echoInterval, remote.requiredMinEchoRx) }

    /// When `expire` has something to do; `.max`: never, unless something comes.
    public var nextEvent: UInt64 { min(max(judgement, judgesFrom), min(nextTransmit, nextEcho)) }

    private var sendsPeriodically: Bool {
        if remote.discriminator == 0, parameters.isPassive { return false }
        if remote.requiredMinRx == 0 { return false }
        let isDemandActive = remote.isDemanding && state == .up && remote.state == .up
        return !isDemandActive || isPolling
    }

    // MARK: - Timers

    /// Gives the next periodic packet its time anew, if the interval has changed (RFC 5880 section 6.8.3).
    mutating func scheduleTransmit(_ now: UInt64) {
        let interval = transmitInterval
        guard interval != scheduledInterval else { return }
        scheduledInterval = interval
        nextTransmit = interval == 0 ? .max : max(now, lastSent + UInt64(jittered(interval)))
    }

    /// The interval less 0 to 25 %; less 10 to 25 % when the peer may not miss a single packet (section 6.8.7).
    mutating func jittered(_ interval: UInt32) -> UInt32 {
        let quarter = interval / 4
        guard parameters.multiplier == 1 else { return interval - draw(below: quarter) }
        let tenth = interval / 10
        return interval - tenth - draw(below: quarter - tenth)
    }

    /// A number from 0 up to, but not including, `bound`; 0 for a bound of 0.
    private mutating func draw(below bound: UInt32) -> UInt32 {
        random ^= random << 13
        random ^= random >> 17
        random ^= random << 5
        return UInt32((UInt64(random) * UInt64(bound)) >> 32)
    }
}

/// What a session wants done.
public struct BFDReaction: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Send a control packet.
    public static let transmit = BFDReaction(rawValue: 1 << 0)
    /// Send a control packet that answers the peer's poll; never together with `transmit`.
    public static let final = BFDReaction(rawValue: 1 << 1)
    /// Send an echo packet.
    public static let echo = BFDReaction(rawValue: 1 << 2)
    /// The state has changed: tell the clients.
    public static let stateChanged = BFDReaction(rawValue: 1 << 3)
}
