// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What a header of options asks of a node that knows padding and the router alert alone (RFC 8200 section 4.2).
enum IPv6OptionsVerdict {
    /// Go on. Whether a router shall look at the packet (RFC 2711).
    case fine(isAlert: Bool)
    /// Discard: an option wants it so that is not known.
    case unwelcome
    /// Discard: an option reaches beyond the header.
    case malformed
    case tooMany
    /// Discard: the packet claims to be longer than 65,535 bytes (RFC 2675).
    case jumbogram
    /// Discard, and tell the sender about the option at that offset from the IPv6 header's start.
    case tell(ICMPv6ErrorRequest, pointer: Int)

    init(of header: IPv6ExtensionHeader, toGroup isToGroup: Bool) {
        var options = header.options
        var isAlert = false
        while let option = options.next() {
            if option.isPadding { continue }
            switch option.kind {
            case IPv6Option.routerAlert where header.kind == .hopByHop:
                isAlert = true
                continue
            case IPv6Option.jumboPayload:
                self = .jumbogram
                return
            default: break
            }
            switch option.action {
            case .skip: continue
            case .discardAndTell:
                self = .tell(.unknownOptionToGroup, pointer: option.offset)
            case .discardAndTellUnlessMulticast where !isToGroup:
                self = .tell(.unknownOption, pointer: option.offset)
            case .discard, .discardAndTellUnlessMulticast:
                self = .unwelcome
            }
            return
        }
        switch options.problem {
        case nil: self = .fine(isAlert: isAlert)
        case .truncated: self = .malformed
        case .tooMany: self = .tooMany
        }
    }
}
