// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `rewrite:` of a sub-interface, checked: what is done on the way in can be undone on the way out.
struct RewriteSetting {
    static let schema = Schema.object([
        .key("pop", .integer(0...2), "Tags taken off frames that come in; what leaves gets them back; 0 if absent"),
        .key(
            "push",
            .object([
                .key("dot1q", .integer(1...4094), "VLAN of an 802.1Q tag; this or 'dot1ad'"),
                .key("dot1ad", .integer(1...4094), "VLAN of an 802.1ad tag; this or 'dot1q'"),
                .key("second-dot1q", .integer(1...4094), "VLAN of a second 802.1Q tag behind it; none if absent"),
            ]), "Tags put on frames that come in, and taken off those that leave; none if absent"),
    ])

    private let pop: Int
    /// The tags that are taken off on the way in.
    private let popped: TagStack?
    private let push: TagStack?
    private let isExact: Bool

    init(_ setting: Setting, _ match: TagMatch, of name: String) throws(ConfigurationError) {
        pop = try setting["pop"]?.integer(in: 0...2) ?? 0
        push = try setting["push"].map { (push) throws(ConfigurationError) in try RewriteSetting.tags(push) }
        guard pop > 0 || push != nil else {
            throw setting.error("the rewrite of '\(name)' changes nothing", "give it 'pop:' or 'push:'")
        }
        popped = match.tags(first: pop)
        isExact = !match.takesDeeper && match.outer != .others
        guard let place = setting["pop"], pop > 0 else { return }
        guard pop <= match.tagCount else {
            throw place.error(
                "'\(name)' is told by \(match), and 'pop: \(pop)' takes off more",
                match.tagCount == 0 ? "leave 'pop' out" : "give \(match.tagCount), or match the second tag, too")
        }
        guard popped != nil else {
            throw place.error(
                "a tag that is taken off has to be put back, and \(match) does not say which VLAN it was",
                match.tags(first: 1) == nil ? "match one VLAN, or leave the tag on" : "match one inner VLAN, or pop 1")
        }
    }

    private static func tags(_ setting: Setting) throws(ConfigurationError) -> TagStack {
        let customer = try setting["dot1q"]?.integer(in: 1...4094)
        let service = try setting["dot1ad"]?.integer(in: 1...4094)
        guard (customer == nil) != (service == nil), let outer = customer ?? service else {
            throw setting.error(
                customer == nil ? "there is no outer tag to push" : "there are two outer tags to push",
                "give 'dot1q:' or 'dot1ad:', and an inner tag with 'second-dot1q:'")
        }
        let inner = try setting["second-dot1q"]?.integer(in: 1...4094)
        return TagStack(UInt16(outer), type: service == nil ? .vlan : .serviceVLAN, inner: inner.map { UInt16($0) })
    }

    /// As nodes apply it.
    /// - Parameter priority: PCP of the tags that are put on, either way; nil for that of the frame's own.
    func rewrites(priority: UInt8?) -> TagTable.Rewrites {
        TagTable.Rewrites(
            input: rewrite(popping: popped, pushing: push, priority),
            output: rewrite(popping: push, pushing: popped, priority))
    }

    private func rewrite(popping: TagStack?, pushing: TagStack?, _ priority: UInt8?) -> TagRewrite {
        var rewrite = TagRewrite()
        rewrite.keepsPriority = priority == nil
        rewrite.replacesPriorityTag = isExact
        if let popping {
            rewrite.pop = UInt8(popping.length)
            (rewrite.outerPopped, rewrite.innerPopped) = popping.words(priority: 0)
        }
        if let pushing {
            rewrite.push = UInt8(pushing.length)
            (rewrite.outer, rewrite.inner) = pushing.words(priority: priority ?? 0)
        }
        return rewrite
    }
}

extension RewriteSetting: CustomStringConvertible {
    /// "pop 1, push dot1ad 200".
    var description: String {
        [pop > 0 ? "pop \(pop)" : nil, push.map { "push \($0)" }].compactMap(\.self).joined(separator: ", ")
    }
}
