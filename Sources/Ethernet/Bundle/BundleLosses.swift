// SPDX-License-Identifier: Apache-2.0
import Graph
import Synchronization

/// Writes each bundle's status for workers: for the control side, and on the thread that has the kernel's news of a lost
/// link, ahead of the control side. Either way a change is one store.
///
/// Both sides write under one lock, which no worker takes, and both see the news of a link in the same order, the control
/// side later. A link that was lost is not used before the control side has come to the news that it is there again, unless
/// the latest news, which it has still to come to, say otherwise.
final class BundleLosses: Sendable {
    /// What the control side wants of a bundle. A bit for each place.
    struct Wish: Sendable {
        /// Members to send by.
        var sending: UInt8 = 0
        /// Members whose frames are the bundle's.
        var receiving: UInt8 = 0
        /// Places, the best first, that may take over at once when one of `sending` is lost: those of hot standbys to which
        /// nobody has to say a word.
        var standbys: [UInt8] = []
    }

    private struct Bundle {
        let interface: InterfaceIndex
        /// With fewer members to send by, the bundle's link is lost.
        let minimum: Int
        var wish = Wish()
        /// Places whose link is lost.
        var lost: UInt8 = 0
        /// What was said of the bundle's own link last.
        var isLost = false

        /// What can be sent by.
        var sending: UInt8 {
            var usable = wish.sending & ~lost
            var missing = (wish.sending & lost).nonzeroBitCount
            for place in wish.standbys where missing > 0 && lost >> place & 1 == 0 {
                usable |= 1 << place
                missing -= 1
            }
            return usable
        }
    }

    private struct State {
        var bundles: [UInt32: Bundle] = [:]
        /// Links that are lost by the latest news.
        var lost: Set<InterfaceIndex> = []
    }

    private let state = Mutex(State())
    private let table: BundleTable
    private let alarm: LinkAlarm

    init(_ table: BundleTable, _ alarm: LinkAlarm) {
        self.table = table
        self.alarm = alarm
    }

    /// The latest news of a link. Any thread.
    func hear(_ interface: InterfaceIndex, isLost: Bool, at clock: UInt64) {
        // Without the lock: this is also how a bundle's own loss comes back here.
        let place = table[place: interface]
        guard place.isMember else { return }
        state.withLock { state in
            guard isLost else {
                state.lost.remove(interface)
                return
            }
            state.lost.insert(interface)
            state.bundles[place.bundle]?.lost |= 1 << UInt8(place.member)
            _ = settle(place.bundle, &state, at: clock)
        }
    }

    // MARK: - Control side

    /// - Parameter minimum: Members without which the bundle's link counts as lost; 1 at least.
    func add(_ number: UInt32, _ interface: InterfaceIndex, minimum: Int) {
        state.withLock { $0.bundles[number] = Bundle(interface: interface, minimum: minimum) }
    }

    /// The control side has come to the news that a member's link is there.
    func clear(_ member: InterfaceIndex) {
        let place = table[place: member]
        state.withLock { state in
            guard !state.lost.contains(member) else { return }
            state.bundles[place.bundle]?.lost &= ~(1 << UInt8(place.member))
        }
    }

    /// Has workers do as the control side wants, as far as the latest news allow.
    /// - Returns: Whether the bundle's link is up by that, and what its members do.
    func publish(_ wish: Wish, of number: UInt32) -> (isUp: Bool, status: BundleStatus) {
        state.withLock { state in
            state.bundles[number]?.wish = wish
            return (settle(number, &state, at: Clock.now), table[number].status)
        }
    }

    /// Writes the status, and says so when the bundle's own link is lost by that, or there again. The lock is held, so that
    /// everybody hears it in the order of the events.
    private func settle(_ number: UInt32, _ state: inout State, at clock: UInt64) -> Bool {
        guard let bundle = state.bundles[number] else { return false }
        var status = BundleStatus()
        status.sending = bundle.sending
        status.receiving = bundle.wish.receiving
        table[number].status = status
        let isUp = status.sending.nonzeroBitCount >= bundle.minimum
        if bundle.isLost == isUp {
            state.bundles[number]?.isLost = !isUp
            alarm.sound(bundle.interface, isLost: !isUp, at: clock)
        }
        return isUp
    }
}
