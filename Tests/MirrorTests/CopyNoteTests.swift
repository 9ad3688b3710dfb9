// SPDX-License-Identifier: Apache-2.0
import Mirror
import Testing

struct CopyNoteTests {
    @Test func everyFieldKeepsItsValueAtItsLimits() {
        for (session, source, length) in [(UInt16(1), UInt32(1), 0), (.max, 1 << 17, 16_384), (512, 77, 1518)] {
            for direction in [CopyNote.Direction.rx, .tx] {
                for isTruncated in [false, true] {
                    let note = CopyNote(
                        session: session, source: source, direction: direction, originalLength: length,
                        isTruncated: isTruncated, clock: UInt64.max - 5)
                    #expect(note.session == session)
                    #expect(note.source == source)
                    #expect(note.direction == direction)
                    #expect(note.originalLength == length)
                    #expect(note.isTruncated == isTruncated)
                    #expect(note.clock == UInt64.max - 5)
                }
            }
        }
    }

    @Test func fitsInTheScratch() {
        #expect(MemoryLayout<CopyNote>.size == 16)
    }
}
