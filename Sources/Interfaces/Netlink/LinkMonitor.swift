// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Follows the devices of a network namespace: that of the thread which makes the monitor.
///
/// The caller waits for `fileDescriptor` to become readable, on a thread of its choice, and calls `read`. One thread at
/// a time.
public final class LinkMonitor {
    public enum Change: Sendable, Hashable {
        /// A device appeared, or something about it changed.
        case present(Link)
        /// A device is gone, or has got another name; its index is not used again soon.
        case gone(Link)
    }

    private var socket: NetlinkSocket
    private let ethtool: Ethtool
    private var known: [Int32: Link] = [:]
    private var listing: Listing?

    /// A listing of all devices that is under way.
    private struct Listing {
        /// Indices of the devices that it has named.
        var seen: Set<Int32> = []
        /// Something was lost or changed meanwhile: once more.
        var isStale = false
        var isComplete = false
    }

    public var fileDescriptor: Int32 { socket.fileDescriptor }
    /// The devices as of the last `read`, by name.
    public var links: [String: Link] { Dictionary(known.values.map { ($0.name, $0) }) { first, _ in first } }

    /// Begins to follow. The first calls of `read` report all devices as present.
    public init() throws(XDPError) {
        ethtool = try Ethtool()
        socket = try NetlinkSocket(groups: UInt32(RTMGRP_LINK))
        try list()
    }

    /// Reports what has changed since the last call; returns at once when nothing has.
    ///
    /// `first` hears of each device that the kernel names, as far as its message tells: before ethtool is asked for the
    /// rest. Those questions wait for the kernel's lock (RTNL), which whoever sets the device down holds for milliseconds.
    ///
    /// When the kernel had more to tell than its socket buffer holds (ENOBUFS), all devices are listed again and
    /// compared with what was known, so that nothing is missed.
    public func read(first: (Link) -> Void = { _ in }, _ report: (Change) -> Void) throws(XDPError) {
        while true {
            var changes: [Change] = []
            let error = socket.receive(waiting: false) { changes += understand($0, first) }
            changes.forEach(report)
            if let listing, listing.isStale, listing.isComplete { try list() }
            switch error {
            case 0, EINTR: continue
            case EAGAIN: return
            case ENOBUFS, EMSGSIZE: try relist()
            default: throw .kernel(error, "follow the devices", device: "rtnetlink")
            }
        }
    }

    private func list() throws(XDPError) {
        listing = Listing()
        let message = NetlinkMessage(
            type: Int(RTM_GETLINK), flags: NLM_F_ROOT | NLM_F_MATCH, fixed: ifinfomsg(index: 0))
        try socket.send(message, "list the devices", device: "rtnetlink")
    }

    /// The kernel makes one listing at a time for a socket: the next one waits for the end of this.
    private func relist() throws(XDPError) {
        if listing == nil { try list() } else { listing?.isStale = true }
    }

    private func understand(_ reply: NetlinkReply, _ first: (Link) -> Void) -> [Change] {
        if reply.isInterrupted { listing?.isStale = true }
        switch reply.type {
        case Int(RTM_NEWLINK):
            guard let link = Link(reply) else { return [] }
            first(link)
            if reply.isListed { listing?.seen.insert(link.index) }
            return present(link)
        case Int(RTM_DELLINK):
            guard let link = Link(reply), let old = known.removeValue(forKey: link.index) else { return [] }
            return [.gone(old)]
        case Int(NLMSG_DONE):
            listing?.isComplete = true
            guard let listing, !listing.isStale else { return [] }
            self.listing = nil
            let lost = known.values.filter { !listing.seen.contains($0.index) }
            for link in lost { known[link.index] = nil }
            return lost.map { .gone($0) }
        default:
            return []
        }
    }

    private func present(_ link: Link) -> [Change] {
        var link = link
        link.askEthtool(ethtool)
        let old = known.updateValue(link, forKey: link.index)
        if old == link { return [] }
        guard let old, old.name != link.name else { return [.present(link)] }
        return [.gone(old), .present(link)]
    }
}
