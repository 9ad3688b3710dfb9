// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What the router says by ICMP of its own accord, as workers read it.
struct ICMPSettings: BitwiseCopyable, Sendable {
    var limits: ICMPErrorLimits
    /// Tells hosts of better first hops.
    var sendsRedirects = false
}

/// How many ICMP errors a worker sends: to each source, and in all, each family by itself.
struct ICMPErrorLimits: BitwiseCopyable, Sendable {
    var total: TokenRate
    var perSource: TokenRate

    /// - Parameter workerCount: Among so many the limits are shared out, so that they hold whoever sends.
    init(
        perSecond: Double = 1000, burst: Int = 200, perSourcePerSecond: Double = 50, perSourceBurst: Int = 20,
        workerCount: Int = 1
    ) {
        let share = max(1, workerCount)
        total = TokenRate(perSecond: perSecond / Double(share), burst: burst / share)
        perSource = TokenRate(perSecond: perSourcePerSecond / Double(share), burst: perSourceBurst / share)
    }
}

/// What is left of a worker's limits.
struct ICMPErrorBudget {
    private let settings: Published<ICMPSettings>.Reader
    private var total = TokenBucket()
    private var sources = TokenBuckets()

    init(_ settings: Published<ICMPSettings>.Reader) { self.settings = settings }

    /// Whether one more error may be sent to the receiver with this key. A source that asks for too much does not take
    /// from what is there for all.
    mutating func take(_ receiver: UInt64, _ now: UInt64) -> Bool {
        let limits = settings.value.limits
        guard total.hasToken(now, limits.total) else { return false }
        guard sources.take(receiver, now, limits.perSource) else { return false }
        return total.take(now, limits.total)
    }
}
