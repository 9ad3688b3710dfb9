// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Wire

@testable import Interfaces

@Suite("Capture files")
final class CaptureTests {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID()).pcap").path

    deinit { try? FileManager.default.removeItem(atPath: path) }

    static let packets = [0, 1, 14, 60, 1514, 9018].map { PacketBuilder().payload(count: $0) }

    func write(grain: CaptureWriter.Grain = .nanoseconds) throws {
        let writer = try CaptureWriter(path: path, grain: grain)
        for (number, packet) in Self.packets.enumerated() {
            try packet.withFrame { try writer.write($0, nanoseconds: 1_700_000_000_123_456_789 + UInt64(number)) }
        }
        #expect(writer.recordCount == Self.packets.count)
        try writer.close()
    }

    func readAll() throws -> [(bytes: [UInt8], nanoseconds: UInt64)] {
        let reader = try CaptureReader(path: path)
        var records: [(bytes: [UInt8], nanoseconds: UInt64)] = []
        while let record = try reader.next() {
            #expect(record.wireLength == record.bytes.count)
            records.append(([UInt8](record.bytes), record.nanoseconds))
        }
        #expect(try reader.next() == nil)
        #expect(reader.recordCount == records.count)
        return records
    }

    func put(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

    func problem(_ body: () throws -> Void) -> CaptureError.Problem? {
        do {
            try body()
            return nil
        } catch {
            return (error as? CaptureError)?.problem
        }
    }

    @Test func roundTrip() throws {
        try write()
        let records = try readAll()
        #expect(records.map(\.bytes) == Self.packets.map(\.bytes))
        #expect(records.map(\.nanoseconds) == (0..<6).map { 1_700_000_000_123_456_789 + $0 })
    }

    @Test func microsecondsLoseTheRest() throws {
        try write(grain: .microseconds)
        #expect(try readAll().allSatisfy { $0.nanoseconds == 1_700_000_000_123_456_000 })
    }

    @Test func flushedRecordsCanBeReadAtOnce() throws {
        let writer = try CaptureWriter(path: path)
        try Self.packets[3].withFrame { try writer.write($0, nanoseconds: 5) }
        try writer.flush()
        #expect(try readAll().count == 1)
    }

    @Test func pcapng() throws {
        // Section header, interface description (Ethernet), one simple packet of four bytes.
        try put([
            0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255,
            255, 28, 0, 0, 0, 1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 20, 0, 0, 0, 3, 0, 0, 0, 20, 0, 0, 0, 4,
            0, 0, 0, 1, 2, 3, 4, 20, 0, 0, 0,
        ])
        #expect(try readAll().map(\.bytes) == [[1, 2, 3, 4]])
    }

    @Test func truncatedLastRecord() throws {
        try write()
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        try whole.dropLast(3).write(to: URL(fileURLWithPath: path))
        let reader = try CaptureReader(path: path)
        for _ in 0..<5 { #expect(try reader.next() != nil) }
        let error = #expect(throws: CaptureError.self) { try reader.next() }
        #expect(error?.description.contains("broken at packet 6: truncated") == true, "\(error!)")
        #expect(try reader.next() == nil)
    }

    @Test func missingFile() {
        #expect(problem { _ = try CaptureReader(path: path) } == .cannotOpen("No such file or directory"))
        #expect(problem { _ = try CaptureReader(path: "/tmp") }.map { "\($0)".contains("notACapture") } == true)
        #expect(problem { _ = try CaptureWriter(path: "/nowhere/x") } == .cannotCreate("No such file or directory"))
    }

    @Test(arguments: [[], [1], Array("a text, no capture, whatever its name".utf8)] as [[UInt8]])
    func notACapture(bytes: [UInt8]) throws {
        try put(bytes)
        guard case .notACapture(let reason) = problem({ _ = try CaptureReader(path: path) }) else {
            Issue.record("was taken for a capture")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test func otherLinkType() throws {
        // A header of raw IP, 101 in files.
        try put([0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0])
        let error = #expect(throws: CaptureError.self) { try CaptureReader(path: path) }
        #expect(error?.description.contains("Raw IP") == true, "\(error!)")
    }

    @Test func fullDisk() throws {
        let writer = try CaptureWriter(path: "/dev/full")
        let problem = problem {
            for _ in 0..<100 { try Self.packets[5].withFrame { try writer.write($0, nanoseconds: 0) } }
            try writer.close()
        }
        #expect(problem == .cannotWrite("No space left on device"))
    }
}
