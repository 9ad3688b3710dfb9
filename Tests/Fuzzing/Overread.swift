// SPDX-License-Identifier: Apache-2.0
import Glibc
import Wire

/// A mistake on purpose, to see that AddressSanitizer finds such in the library's code.
public enum Overread {
    /// Has a frame of 14 bytes, in memory of its own, described as if it had 15.
    /// - Returns: What was read there, if the process lives.
    public static func commit() -> String {
        let frame = PacketBuilder().ethernet(from: .zero, to: .broadcast).bytes
        guard let block = malloc(frame.count) else { return "" }
        defer { free(block) }
        block.copyMemory(from: frame, byteCount: frame.count)
        return PacketDescription(Bytes(start: block, count: frame.count + 1)).listing
    }
}
