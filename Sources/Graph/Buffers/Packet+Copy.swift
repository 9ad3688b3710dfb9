// SPDX-License-Identifier: Apache-2.0
import Wire

extension Packet {
    /// Makes the first `count` bytes of `bytes` the packet's, from its current position on. The buffer has room for them.
    ///
    /// Short packets are the most frequent: they are copied by sixteens from both ends, which overlap in the middle, without a
    /// call. Nothing behind either end is touched.
    @inlinable @inline(__always)
    public func copy(_ bytes: Bytes, count: Int) {
        let (source, target) = (bytes.start, header.data)
        header.length = UInt32(truncatingIfNeeded: count)
        switch count {
        case 16...32: Packet.copyEnds(1, source, target, count)
        case 33...64: Packet.copyEnds(2, source, target, count)
        case 65...128: Packet.copyEnds(4, source, target, count)
        default: target.copyMemory(from: source, byteCount: count)
        }
    }

    /// - Parameter blocks: Of sixteen bytes at each end.
    @inlinable @inline(__always)
    static func copyEnds(
        _ blocks: Int, _ source: UnsafeMutableRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int
    ) {
        let end = count &- 16 &* blocks
        for block in 0..<blocks {
            copySixteen(source, target, at: 16 &* block)
            copySixteen(source, target, at: end &+ 16 &* block)
        }
    }

    @inlinable @inline(__always)
    static func copySixteen(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, at offset: Int) {
        let block = source.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
        target.storeBytes(of: block, toByteOffset: offset, as: SIMD16<UInt8>.self)
    }
}
