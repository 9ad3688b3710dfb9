// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// For `test fib`: whether the table that workers use says what the entries say.
extension LabelFIB {
    /// Slots between two looks at the clock.
    private static let step = 1024

    /// Each difference in words. Works in slices; labels may change meanwhile.
    func differences() async -> [String] {
        var found: [String] = []
        var slice = ControlSlice()
        for place in 0..<LabelTable.capacity {
            if place % LabelFIB.step == 0, slice.isOver {
                await Task.yield()
                slice = ControlSlice()
            }
            let result = LabelResult(rawValue: table.slots[place])
            // Nothing can be wrong with a label that nobody has and that leads nowhere.
            if result.rawValue != 0 { if let text = difference(at: place, result) { found.append(text) } }
        }
        for key in Array(entries.keys) {
            if slice.isOver {
                await Task.yield()
                slice = ControlSlice()
            }
            let label = MPLSLabel(rawValue: key.label)
            // The others were looked at with the table.
            guard entries[key] != nil, table.result(of: label, isBottom: key.isBottom).rawValue == 0 else { continue }
            let place = LabelTable.place(MPLSEntry(label, isBottom: key.isBottom, timeToLive: 0))
            if let text = difference(at: place, LabelResult(rawValue: 0)) { found.append(text) }
        }
        return found
    }

    private func difference(at place: Int, _ result: LabelResult) -> String? {
        let (label, isBottom) = (MPLSLabel(rawValue: UInt32(place / 2)), place % 2 == 1)
        let name = "label \(label.rawValue) \(isBottom ? "at" : "above") the bottom of the stack"
        if label.isReserved {
            let expected = LabelFIB.reserved(label, isBottom)
            return result == expected ? nil : LabelFIB.text(name, result, expected)
        }
        guard let entry = entry(label, isBottom: isBottom) else {
            return "\(name): the table has \(LabelFIB.text(result)), and nobody has the label"
        }
        if let list = entry.list, fib.pathLists[list] == nil {
            return "\(name): the path-list \(list) of \(entry.owner)'s entry does not exist"
        }
        let expected = self.result(of: entry)
        return result == expected ? nil : LabelFIB.text(name, result, expected)
    }

    private static func text(_ name: String, _ found: LabelResult, _ expected: LabelResult) -> String {
        "\(name): the table has \(text(found)), and should have \(text(expected))"
    }

    private static func text(_ result: LabelResult) -> String {
        "\(result.forwarding.word) \(result.forwarding.index)\(result.isUniform ? " uniform" : "")"
    }
}
