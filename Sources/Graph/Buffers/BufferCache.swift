// SPDX-License-Identifier: Apache-2.0

/// One worker's free buffers: a stack, so that the buffers used last, still in the cache, are used next.
///
/// Owned by one thread; only `count` may be read by others.
struct BufferCache: ~Copyable {
    private let pool: BufferPool
    private let stack: UnsafeMutablePointer<BufferIndex>
    private(set) var count = 0

    /// Above this many, a batch goes back to the depot: room for a frame in both directions without touching it.
    private static let highWater = 4 * BufferPool.batch
    private static let capacity = highWater + Frame.capacity

    init(pool: BufferPool) {
        self.pool = pool
        self.stack = .allocate(capacity: BufferCache.capacity)
    }

    deinit { stack.deallocate() }

    /// Takes up to `wanted` (at most 256) buffers and returns how many there were.
    mutating func take(_ wanted: Int, into indices: UnsafeMutablePointer<BufferIndex>) -> Int {
        if count < wanted, pool.takeBatch(into: stack + count) { count &+= BufferPool.batch }
        let taken = min(wanted, count)
        count &-= taken
        indices.update(from: stack + count, count: taken)
        return taken
    }

    /// Gives up to 256 buffers back.
    mutating func give(_ indices: UnsafePointer<BufferIndex>, count given: Int) {
        (stack + count).update(from: indices, count: given)
        count &+= given
        while count >= BufferCache.highWater {
            count &-= BufferPool.batch
            pool.giveBatch(from: stack + count)
        }
    }
}
