// SPDX-License-Identifier: Apache-2.0

/// When traffic goes back to a protected next hop whose failure is over. All times in milliseconds.
///
/// The first failure is waited out for `waitToRestore`. A next hop that fails again before it was in use for
/// `flapMemory` is held down longer with each failure: `holdDown`, then twice that, up to `maximumHoldDown`.
public struct RestorationPolicy: Sendable, Hashable {
    /// How long a failure must be over; 0: back at once; nil: traffic stays on the backup until somebody asks for it back.
    public var waitToRestore: Int?
    /// After the second failure in a row; 0: failures in a row make no difference.
    public var holdDown: Int
    public var maximumHoldDown: Int
    /// In use for as long without a failure, a next hop counts as sound again.
    public var flapMemory: Int

    public init(
        waitToRestore: Int? = 10_000, holdDown: Int = 10_000, maximumHoldDown: Int = 300_000, flapMemory: Int = 60_000
    ) {
        self.waitToRestore = waitToRestore
        self.holdDown = holdDown
        self.maximumHoldDown = maximumHoldDown
        self.flapMemory = flapMemory
    }

    /// The wait after as many failures in a row; nil: for ever.
    public func wait(afterFailures count: Int) -> Int? {
        guard let waitToRestore else { return nil }
        guard count > 1, holdDown > 0 else { return waitToRestore }
        // Twenty doublings are more than any maximum.
        let held = holdDown << min(count - 2, 20)
        return max(waitToRestore, min(held, maximumHoldDown))
    }
}
