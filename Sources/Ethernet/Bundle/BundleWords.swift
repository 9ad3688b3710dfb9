// SPDX-License-Identifier: Apache-2.0
import Graph

extension Bundle.MemberState {
    var word: String {
        switch self {
        case .active: "active"
        case .standby: "standby"
        case .down: "down"
        }
    }
}

extension Bundle {
    /// Why a member is not used, for people; nil for one that is.
    func reason(of state: MemberState) -> String? {
        switch state {
        case .active: nil
        case .standby: "\(settings.maximum) links are used at most"
        case .down(let why): text(of: why)
        }
    }

    func text(of state: MemberState) -> String { state.word + (reason(of: state).map { ": \($0)" } ?? "") }

    private func text(of why: MemberState.Why) -> String {
        switch why {
        case .noDevice: "no device"
        case .adminDown: "administratively down"
        case .noLink: "no link"
        case .silent: "nothing is heard of a partner by LACP"
        case .expired: "the partner has not been heard of in time"
        case .looped: "the partner is this bundle itself: a loop"
        case .otherPartner: "it leads to another partner, or another aggregate of it"
        case .individual: "the partner does not aggregate this link"
        case .tooFew: "fewer than \(settings.minimum) links can be used"
        case .waiting: "waits for other links"
        case .notSynchronized: "the partner is not in sync"
        case .notCollecting: "the partner does not collect yet"
        }
    }
}
