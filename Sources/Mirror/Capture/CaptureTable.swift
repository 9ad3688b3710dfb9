// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The capture lists, by number, as workers read them. A list that changes is replaced by one store.
struct CaptureTable: BitwiseCopyable, @unchecked Sendable {
    /// A power of two; number 0 is no list.
    static let capacity = 1 << 10

    fileprivate let lists: UnsafeMutablePointer<UnsafeMutableRawPointer?>

    init() {
        lists = .allocate(capacity: CaptureTable.capacity)
        lists.initialize(repeating: nil, count: CaptureTable.capacity)
    }

    /// Whether the list of this number has a frame copied.
    func captures(_ number: UInt32, _ frame: Bytes) -> Bool {
        guard let raw = lists[Int(number) & (CaptureTable.capacity &- 1)] else { return false }
        return CaptureMatcher(raw: raw).captures(frame)
    }
}

/// The control side of the capture lists.
@ControlPlane
final class CaptureStore {
    nonisolated let table = CaptureTable()
    private let engine: Engine
    private var numbers: [String: UInt32] = [:]

    init(engine: Engine) { self.engine = engine }

    isolated deinit {
        for number in numbers.values { table.lists[Int(number)].map { CaptureMatcher(raw: $0).deallocate() } }
        table.lists.deallocate()
    }

    var names: [String] { numbers.keys.sorted() }

    /// The list's number; nil when there is none of that name.
    func number(of name: String) -> UInt32? { numbers[name] }

    /// From here on the list of this name is this one. False when there are too many.
    func set(_ list: CaptureList) -> Bool {
        let number = numbers[list.name] ?? UInt32(numbers.count + 1)
        guard Int(number) < CaptureTable.capacity else { return false }
        numbers[list.name] = number
        let old = table.lists[Int(number)]
        table.lists[Int(number)] = CaptureMatcher(list).raw
        if let old { engine.retire { CaptureMatcher(raw: old).deallocate() } }
        return true
    }
}
