// SPDX-License-Identifier: Apache-2.0
import Wire

/// Bytes at a place that the operator chose: a user-defined field.
struct UserField: BitwiseCopyable, Sendable, Equatable {
    enum Level: String, CaseIterable, BitwiseCopyable, Sendable {
        case outer, inner
    }

    enum Layer: String, CaseIterable, BitwiseCopyable, Sendable {
        case l2, l3, l4
    }

    /// In a list.
    static let limit = 8
    static let offsets = 0...63
    static let lengths = 1...4

    var level: Level
    var layer: Layer
    /// Bytes from the header's start.
    var offset: UInt8
    /// Bytes.
    var length: UInt8

    /// The field's bytes as a number, the first the most significant; nil when the frame does not have all of them.
    @inline(__always)
    func value(in frame: Bytes, _ headers: CaptureHeaders) -> UInt32? {
        let place = level == .outer ? headers.outer : headers.inner
        let start =
            switch layer {
            case .l2: place.l2
            case .l3: place.l3
            case .l4: place.l4
            }
        let first = start &+ Int(offset)
        guard start >= 0, first &+ Int(length) <= frame.count else { return nil }
        var value: UInt32 = 0
        for position in 0..<Int(length) {
            value = value << 8 | UInt32(frame.load(at: first &+ position, as: UInt8.self))
        }
        return value
    }
}

/// What a packet must be for an entry of a capture list to decide about it.
struct CaptureEntry: BitwiseCopyable, Sendable {
    /// The packet is one that the list lets through; only those are copied.
    var isPermit = true
    /// With `isPermit`: the packet is copied.
    var captures = false
    /// 4 or 6; 0 for any packet.
    var version: UInt8 = 0
    var `protocol`: UInt8?
    var etherType: UInt16?
    /// The top label of an MPLS packet.
    var label: UInt32?
    var source = MaskedAddress()
    var destination = MaskedAddress()
    /// Lower and upper bound; nil for packets with any ports or none.
    var sourcePorts: PortRange?
    var destinationPorts: PortRange?
    /// By the field's number in its list; those with a mask of 0 do not matter.
    var fields = InlineArray<8, MaskedField>(repeating: MaskedField())
    /// A bit for each field that matters.
    var usedFields: UInt8 = 0

    struct PortRange: BitwiseCopyable, Sendable {
        var lower: UInt16
        var upper: UInt16

        @inline(__always)
        func contains(_ port: UInt16) -> Bool { lower <= port && port <= upper }
    }

    /// IPv4 addresses stand in the low half.
    struct MaskedAddress: BitwiseCopyable, Sendable {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var highMask: UInt64 = 0
        var lowMask: UInt64 = 0

        @inline(__always)
        func matches(_ address: IPv6Address) -> Bool {
            (address.high ^ high) & highMask | (address.low ^ low) & lowMask == 0
        }
    }

    struct MaskedField: BitwiseCopyable, Sendable {
        var value: UInt32 = 0
        var mask: UInt32 = 0
    }
}

/// A list of entries, the first of which that matches a packet decides whether it is copied; none does, and it is not.
///
/// What a packet is let through or refused for is a firewall's business: this list decides about copies alone. It is made of
/// values, so that whoever has access lists can make one of them.
struct CaptureList: Sendable {
    var name: String
    /// Fields by name, in the order of their numbers; `UserField.limit` at most.
    var fields: [(name: String, field: UserField)] = []
    var entries: [CaptureEntry] = []
}

/// A capture list as workers read it: one block of memory that never changes.
struct CaptureMatcher: BitwiseCopyable, @unchecked Sendable {
    private struct Header {
        var fieldCount: UInt32
        var entryCount: UInt32
        var fields = InlineArray<8, UserField>(
            repeating: UserField(level: .outer, layer: .l2, offset: 0, length: 1))
    }

    private let memory: UnsafeMutableRawPointer
    private static let entriesOffset = (MemoryLayout<Header>.stride + 63) & ~63

    init(_ list: CaptureList) {
        memory = .allocate(
            byteCount: CaptureMatcher.entriesOffset + list.entries.count * MemoryLayout<CaptureEntry>.stride,
            alignment: 64)
        var header = Header(fieldCount: UInt32(list.fields.count), entryCount: UInt32(list.entries.count))
        for (number, field) in list.fields.enumerated() { header.fields[number] = field.field }
        memory.storeBytes(of: header, as: Header.self)
        for (number, entry) in list.entries.enumerated() {
            (memory + CaptureMatcher.entriesOffset + number * MemoryLayout<CaptureEntry>.stride)
                .storeBytes(of: entry, as: CaptureEntry.self)
        }
    }

    /// As `raw` was.
    init(raw: UnsafeMutableRawPointer) { memory = raw }

    var raw: UnsafeMutableRawPointer { memory }

    func deallocate() { memory.deallocate() }

    /// Whether a frame, from its destination address on, is to be copied.
    func captures(_ frame: Bytes) -> Bool {
        let header = memory.assumingMemoryBound(to: Header.self)
        let headers = CaptureHeaders(frame)
        var values = InlineArray<8, UInt32>(repeating: 0)
        var found: UInt8 = 0
        for number in 0..<Int(header.pointee.fieldCount) {
            guard let value = header.pointee.fields[number].value(in: frame, headers) else { continue }
            values[number] = value
            found |= 1 << UInt8(number)
        }
        let entries = (memory + CaptureMatcher.entriesOffset).assumingMemoryBound(to: CaptureEntry.self)
        for number in 0..<Int(header.pointee.entryCount)
        where (entries + number).pointee.matches(headers, values, found) {
            return entries[number].isPermit && entries[number].captures
        }
        return false
    }
}

extension CaptureEntry {
    @inline(__always)
    fileprivate func matches(_ headers: CaptureHeaders, _ values: InlineArray<8, UInt32>, _ found: UInt8) -> Bool {
        guard version == 0 || version == headers.version else { return false }
        guard `protocol` == nil || (headers.version != 0 && `protocol` == headers.protocol) else { return false }
        guard etherType == nil || etherType == headers.etherType, label == nil || label == headers.label else {
            return false
        }
        guard source.matches(headers.source), destination.matches(headers.destination) else { return false }
        if sourcePorts != nil || destinationPorts != nil {
            guard let ports = headers.ports else { return false }
            if let sourcePorts, !sourcePorts.contains(ports.source) { return false }
            if let destinationPorts, !destinationPorts.contains(ports.destination) { return false }
        }
        guard usedFields & ~found == 0 else { return false }
        for number in 0..<8 where (values[number] ^ fields[number].value) & fields[number].mask != 0 { return false }
        return true
    }
}
