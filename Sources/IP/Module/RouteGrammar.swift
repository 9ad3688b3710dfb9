// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What follows the prefix in `route add`, in iproute2's manner:
///
///     [via] ADDRESS [dev NAME] [weight N] [preference N] [labels N,N,...] [ttl pipe|uniform] [table VRF] [host]
///         [bfd [PROFILE] [local-address ADDRESS]] [backup ADDRESS [dev NAME] [labels N,...]]  ... and so on for further next hops
///     blackhole | unreachable | prohibit
///     lookup VRF
///     dev TUNNEL
struct RouteGrammar {
    enum Way: Equatable {
        case hops([NextHop])
        case discard(RouteType)
        case lookup(String)
        /// By a tunnel.
        case link(String)
    }

    static let synopsis =
        "[via] ADDRESS [dev NAME] [weight N] [preference N] [labels N,N] [ttl MODE] [table VRF] [host] "
        + "[bfd [PROFILE] [local-address ADDRESS]] [backup ADDRESS ...], "
        + "more than once; or blackhole, unreachable, prohibit, lookup VRF, dev TUNNEL"

    private static let keywords = [
        "via", "dev", "weight", "preference", "labels", "ttl", "table", "host", "bfd", "local-address", "backup",
        "blackhole", "unreachable", "prohibit", "lookup",
    ]

    private var words: ArraySlice<String>
    private var hops: [NextHop] = []
    /// Whether words are about the last next hop's backup.
    private var isInBackup = false

    init(_ words: [String]) { self.words = words[...] }

    mutating func parse() throws(CommandError) -> Way {
        if let type = words.first.flatMap({ RouteType(rawValue: $0) }), type != .unicast {
            try expectEnd(after: 1)
            return .discard(type)
        }
        if words.first == "lookup" {
            guard let name = words.dropFirst().first else { throw .usage("'lookup' wants the name of a VRF") }
            try expectEnd(after: 2)
            return .lookup(name)
        }
        if words.first == "dev" {
            guard let name = words.dropFirst().first else { throw .usage("'dev' wants the name of a tunnel") }
            try expectEnd(after: 2)
            return .link(name)
        }
        while let word = words.popFirst() { try take(word) }
        guard !hops.isEmpty else { throw .usage("there is no next hop", "give an address, or blackhole") }
        if hops.contains(where: { $0.mode == .uniform && $0.labels.isEmpty }) {
            throw .usage("'ttl' goes with 'labels'", "give labels, or remove it")
        }
        return .hops(hops)
    }

    private func expectEnd(after count: Int) throws(CommandError) {
        guard let extra = words.dropFirst(count).first else { return }
        throw .usage("'\(extra)' does not belong behind '\(words.prefix(count).joined(separator: " "))'", "remove it")
    }

    private mutating func take(_ word: String) throws(CommandError) {
        if word == "via" { return try begin(try value(of: word)) }
        if IPAddress(word) != nil { return try begin(word) }
        guard !hops.isEmpty else {
            throw .usage(
                "'\(word)' is not an IP address", "give a next hop's, or blackhole, unreachable, prohibit or lookup VRF"
            )
        }
        switch word {
        case "backup":
            let address = try address(try value(of: word))
            guard hops[hops.count - 1].backup.isEmpty else {
                throw .usage("\(hops[hops.count - 1].address) has two backups", "give one")
            }
            hops[hops.count - 1].backup = [NextHop(address)]
            isInBackup = true
        case "dev":
            let name = try value(of: word)
            change { $0.interface = name }
        case "labels":
            let labels = try labels(try value(of: word))
            change { $0.labels = labels }
        case "weight", "preference", "ttl", "table", "host", "bfd", "local-address": try takeOfHop(word)
        default:
            throw .usage("'\(word)' is not known here", Spelling.hint(for: word, among: RouteGrammar.keywords))
        }
    }

    /// What a backup does not have.
    private mutating func takeOfHop(_ word: String) throws(CommandError) {
        if isInBackup { throw .usage("a backup has no '\(word)'", "write it before 'backup'") }
        switch word {
        case "weight": hops[hops.count - 1].weight = try number(of: word, in: 1...255)
        case "preference": hops[hops.count - 1].preference = try number(of: word, in: 0...65535)
        case "table": hops[hops.count - 1].table = try value(of: word)
        case "host": hops[hops.count - 1].viaHost = true
        case "bfd":
            let watch = BFDWatch(profile: takeProfile() ?? "default")
            hops[hops.count - 1].bfd = watch
        case "local-address":
            if hops[hops.count - 1].bfd == nil {
                throw .usage("'local-address' goes with 'bfd'", "write bfd before it")
            }
            let local = try address(try value(of: word))
            hops[hops.count - 1].bfd?.local = local
        default:
            let text = try value(of: word)
            guard let mode = TTLMode(rawValue: text) else {
                throw .usage(
                    "'\(text)' does not do for 'ttl'",
                    "give \(TTLMode.allCases.map(\.rawValue).joined(separator: " or "))")
            }
            hops[hops.count - 1].mode = mode
        }
    }

    /// The name behind `bfd`, where what stands there goes on with nothing else.
    private mutating func takeProfile() -> String? {
        guard let word = words.first, !RouteGrammar.keywords.contains(word), IPAddress(word) == nil else { return nil }
        return words.popFirst()
    }

    private mutating func begin(_ text: String) throws(CommandError) {
        hops.append(NextHop(try address(text)))
        isInBackup = false
    }

    private mutating func change(_ body: (inout NextHop) -> Void) {
        let last = hops.count - 1
        if isInBackup { body(&hops[last].backup[0]) } else { body(&hops[last]) }
    }

    private mutating func value(of word: String) throws(CommandError) -> String {
        guard let value = words.popFirst() else { throw .usage("'\(word)' wants a value behind it") }
        return value
    }

    private mutating func number(of word: String, in range: ClosedRange<Int>) throws(CommandError) -> Int {
        let text = try value(of: word)
        guard let number = Int(text), range.contains(number) else {
            throw .usage(
                "'\(text)' does not do for '\(word)'", "give \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func address(_ text: String) throws(CommandError) -> IPAddress {
        if let address = IPAddress(text) { return address }
        throw .usage("'\(text)' is not an IP address", "give one like 192.0.2.1 or 2001:db8::1")
    }

    private func labels(_ text: String) throws(CommandError) -> [UInt32] {
        var labels: [UInt32] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let label = UInt32(word), label <= 0xf_ffff else {
                throw .usage("'\(word)' is no label", "give numbers from 0 to 1048575 with commas between")
            }
            labels.append(label)
        }
        return labels
    }
}
