// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What is to be freed when no worker can see it any more.
struct Retired {
    /// Each worker's epoch when it was retired.
    let epochs: [UInt64]
    let free: @ControlPlane () -> Void
}

extension Engine {
    /// Frees something that workers may still be reading, once each has passed a quiescent point: the end of a dispatch loop.
    ///
    /// Publish the new version first (one store), then retire the old.
    public func retire(_ free: @escaping @ControlPlane () -> Void) {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        retired.append(Retired(epochs: workers.map { $0.epoch.load(ordering: .sequentiallyConsistent) }, free: free))
        reclaim()
    }

    /// Waits until every worker has passed a quiescent point.
    public func synchronize() async {
        await withCheckedContinuation { continuation in retire { continuation.resume() } }
    }

    /// Waits until every worker has done what was asked of it by `perform` before this call.
    public func performed() async {
        for worker in workers where isRunning {
            await withCheckedContinuation { continuation in worker.perform { _ in continuation.resume() } }
        }
    }

    func reclaim() {
        while let first = retired.first, isQuiescent(since: first.epochs) {
            retired.removeFirst()
            first.free()
        }
    }

    /// An epoch is odd while a worker dispatches: an even one, or a later one, means that what it saw then is forgotten.
    private func isQuiescent(since epochs: [UInt64]) -> Bool {
        zip(workers, epochs).allSatisfy { worker, epoch in
            epoch % 2 == 0 || worker.epoch.load(ordering: .sequentiallyConsistent) != epoch
        }
    }
}
