// SPDX-License-Identifier: Apache-2.0
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Ethernet

/// Rewrites of tags, with frames that nobody would send. What becomes of right ones is in the cases of vlan-rewrite and
/// bridge-output.
@Suite @ControlPlane struct TagRewriteTests {
    private static let interfaces = """
          a.0: {type: vlan, parent: a, untagged: true, rewrite: {push: {dot1ad: 5, second-dot1q: 6}}}
          a.1: {type: vlan, parent: a, dot1q: 1, rewrite: {pop: 1}}
          a.2: {type: vlan, parent: a, dot1ad: 2, second-dot1q: 3, rewrite: {pop: 2, push: {dot1q: 7}}}
          a.3: {type: vlan, parent: a, dot1ad: 3, exact: false, rewrite: {pop: 1, push: {dot1q: 8, second-dot1q: 9}}}
          a.4: {type: vlan, parent: a, default: true, rewrite: {push: {dot1ad: 4}}}

        """
    private static let bridges = "  lan: {members: [a.0, a.1, a.2, a.3, a.4, b]}\n"

    /// Numbers that are the same in each run.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            return mixed ^ mixed >> 31
        }
    }

    /// Up to four tags of those that count, with any priority, and then some bytes or none.
    private static func frame(_ numbers: inout Numbers) -> [UInt8] {
        var bytes: [UInt8] = [0x0a, 0, 0, 0, 1, .random(in: 0...3, using: &numbers)]
        bytes += [0x0a, 0, 0, 0, 2, .random(in: 0...3, using: &numbers)]
        for _ in 0..<Int.random(in: 0...4, using: &numbers) {
            bytes += Bool.random(using: &numbers) ? [0x81, 0x00] : [0x88, 0xa8]
            let vlan: UInt8 = .random(in: 0...9, using: &numbers)
            bytes += [.random(in: 0...15, using: &numbers) << 4, vlan]
        }
        bytes += [0x88, 0xb5] + [UInt8](repeating: 0x55, count: .random(in: 0...6, using: &numbers))
        return Bool.random(using: &numbers)
            ? bytes : Array(bytes.prefix(.random(in: 14...bytes.count, using: &numbers)))
    }

    /// Every frame ends somewhere, none is longer than it was by more than tags, and what is behind the tags is as it was. In a
    /// debug build a read past a frame's end stops the test.
    @Test(arguments: ["a", "b"]) func `whatever comes in goes out or is dropped`(port: String) throws {
        let lab = try BridgeLab(Self.bridges, interfaces: Self.interfaces)
        var numbers = Numbers(state: 7)
        var (left, dropped) = (0, UInt64(0))
        for _ in 0..<40 {
            let frames = (0..<64).map { _ in Self.frame(&numbers) }
            let before = lab.dropCount
            lab.ports[port]?.receive(frames)
            lab.settle()
            let sent = lab.takeSent().values.flatMap(\.self)
            #expect(sent.allSatisfy { frame in frame.count >= 14 && frames.contains { Self.agree($0, frame) } })
            #expect(lab.engine.bufferUse().inUse == 0)
            left += sent.count
            dropped += lab.dropCount - before
        }
        #expect(left > 200 && dropped > 200)
    }

    /// Whether one frame can have become the other: the same stations, and the same behind the tags.
    private static func agree(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        func rest(_ frame: [UInt8]) -> ArraySlice<UInt8> {
            var rest = frame.dropFirst(12)
            while rest.count >= 6, Array(rest.prefix(2)) == [0x81, 0] || Array(rest.prefix(2)) == [0x88, 0xa8] {
                rest = rest.dropFirst(4)
            }
            return rest
        }
        return one.prefix(12) == other.prefix(12) && rest(one).elementsEqual(rest(other))
    }

    @Test func `without room in front nothing is put on`() {
        var rewrite = TagRewrite()
        rewrite.push = 8
        (rewrite.outer, rewrite.inner) = TagStack(5, type: .serviceVLAN, inner: 6).words(priority: 0)
        let frame = BridgeLab.frame(1, 2)
        for (headroom, expected) in [(7, TagRewrite.Failure.noHeadroom), (8, nil)] {
            var storage = [UInt8](repeating: 0, count: BufferPool.headroom) + frame
            storage.withUnsafeMutableBytes { bytes in
                let start = bytes.baseAddress! + BufferPool.headroom
                let zeros = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: MemoryLayout<BufferHeader>.size, alignment: 64)
                defer { zeros.deallocate() }
                zeros.initializeMemory(as: UInt8.self, repeating: 0)
                let header = zeros.assumingMemoryBound(to: BufferHeader.self).baseAddress!
                header.pointee.data = start
                // As if what stood in front had used the rest up.
                header.pointee.start = start + (BufferPool.headroom - headroom)
                header.pointee.length = UInt32(frame.count)
                let packet = Packet(header)
                #expect(packet.headroom == headroom)
                #expect(rewrite.apply(to: packet) == expected)
                #expect(packet.length == frame.count + (expected == nil ? 8 : 0))
            }
        }
    }
}
