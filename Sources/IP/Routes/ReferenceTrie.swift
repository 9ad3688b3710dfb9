// SPDX-License-Identifier: Apache-2.0

/// Longest-prefix match by a path-compressed binary trie: slow, plain, and nothing like what workers look up in.
struct ReferenceTrie {
    private struct Node {
        /// The prefix, at the top of 128 bits; IPv4's in the first 32 of them.
        let high: UInt64
        let low: UInt64
        let length: Int
        /// Nil between prefixes.
        var result: UInt32?
        /// By the bit after the prefix; 0 for none, which is the root's place.
        var zero: Int32 = 0
        var one: Int32 = 0

        func child(_ bit: Bool) -> Int { Int(bit ? one : zero) }
    }

    private var nodes = [Node(high: 0, low: 0, length: 0, result: nil)]

    mutating func insert(_ high: UInt64, _ low: UInt64, length: Int, _ result: UInt32) {
        var place = 0
        while nodes[place].length < length {
            let bit = ReferenceTrie.bit(high, low, nodes[place].length)
            let child = nodes[place].child(bit)
            let leaf = Node(high: high, low: low, length: length, result: result)
            guard child != 0 else { return link(leaf, below: place, bit) }
            let common = min(
                ReferenceTrie.common(nodes[child].high ^ high, nodes[child].low ^ low), nodes[child].length, length)
            if common < nodes[child].length {
                // The prefix, or a fork above it, comes between.
                let mask = ReferenceTrie.mask(common)
                let isHere = common == length
                var node = Node(
                    high: high & mask.high, low: low & mask.low, length: common, result: isHere ? result : nil)
                if ReferenceTrie.bit(nodes[child].high, nodes[child].low, common) {
                    node.one = Int32(child)
                } else {
                    node.zero = Int32(child)
                }
                link(node, below: place, bit)
                if !isHere { link(leaf, below: nodes.count - 1, ReferenceTrie.bit(high, low, common)) }
                return
            }
            place = child
        }
        nodes[place].result = result
    }

    /// The result of the longest prefix that contains the address; 0 when there is none.
    func lookup(_ high: UInt64, _ low: UInt64) -> UInt32 {
        var best = nodes[0].result
        var place = 0
        while nodes[place].length < 128 {
            place = nodes[place].child(ReferenceTrie.bit(high, low, nodes[place].length))
            guard place != 0,
                ReferenceTrie.common(nodes[place].high ^ high, nodes[place].low ^ low) >= nodes[place].length
            else { break }
            best = nodes[place].result ?? best
        }
        return best ?? 0
    }

    private mutating func link(_ node: Node, below place: Int, _ bit: Bool) {
        let index = Int32(nodes.count)
        nodes.append(node)
        if bit { nodes[place].one = index } else { nodes[place].zero = index }
    }

    private static func bit(_ high: UInt64, _ low: UInt64, _ position: Int) -> Bool {
        (position < 64 ? high >> UInt64(63 - position) : low >> UInt64(127 - position)) & 1 == 1
    }

    private static func common(_ high: UInt64, _ low: UInt64) -> Int {
        high != 0 ? high.leadingZeroBitCount : 64 + low.leadingZeroBitCount
    }

    private static func mask(_ length: Int) -> (high: UInt64, low: UInt64) {
        (UInt64.max << UInt64(max(0, 64 - length)), length <= 64 ? 0 : UInt64.max << UInt64(128 - length))
    }
}
