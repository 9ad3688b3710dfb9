// SPDX-License-Identifier: Apache-2.0

/// How the neighbour table behaves; the defaults are those of RFC 4861 section 10 and RFC 5227 section 1.1.
public struct NeighborPolicy: Sendable {
    /// Milliseconds between requests to which no answer comes.
    public var retransmitInterval = 1000
    /// Requests without an answer before a neighbour is given up.
    public var requests = 3
    /// Milliseconds for which an answer holds; each time half as long to half as long again.
    public var reachableTime = 30_000
    /// Milliseconds that a stale neighbour is used for before it is asked whether it is still there.
    public var delayTime = 5000
    /// Milliseconds after which an entry that nothing is sent to is removed.
    public var unusedTime = 600_000
    /// Entries, static ones included.
    public var maximum = 65536
    /// Neighbours on one interface that have not answered yet: a scan of a network takes no more (RFC 6583 section 7.1).
    public var maximumIncomplete = 1024
    /// Packets that are kept for all neighbours together.
    public var maximumHeld = 4096
    /// Requests for an own address before it is used: RFC 5227 section 2.1.1 has three, which takes five seconds. None: it is
    /// used at once, and conflicts show all the same.
    public var ip4Probes = 0
    /// Solicitations for an own address before it is used (RFC 4862 section 5.1); 0 uses it at once.
    public var ip6Probes = 1
    /// How often an own address is announced, two seconds apart.
    public var announcements = 2

    public init() {}
}

/// What the neighbour table did, in sum.
public struct NeighborCounters: Sendable, Encodable, Hashable {
    public var requestsSent = 0
    public var repliesSent = 0
    public var announcementsSent = 0
    /// Requests for own addresses that are not used yet.
    public var probesSent = 0
    /// Requests for addresses that are reached through the router.
    public var proxyReplies = 0
    /// Packets that had to leave the queue of a neighbour, or of all, to make room for later ones.
    public var heldDropped = 0
    /// Packets of BFD, which are of no use later.
    public var notHeld = 0
    /// Packets whose neighbour did not answer.
    public var unanswered = 0
    /// Neighbours that had been known and did not answer any more.
    public var lost = 0
    /// Packets and claims that found the table full.
    public var tableFull = 0
    /// Entries that made room for others: unused ones in a full table.
    public var evicted = 0
    /// Neighbours given up early, because too many on their interface had yet to answer.
    public var incompleteDropped = 0
    /// ARP and neighbor discovery packets from senders that are not on the port's networks.
    public var senderOffSubnet = 0
    /// Claims to one of the router's own addresses.
    public var conflicts = 0
    /// Advertisements about neighbours that nobody had asked for.
    public var unsolicited = 0
    /// Advertisements of another hardware address that were not to override the known one.
    public var notOverriding = 0
    /// Router advertisements of others, and those of them that say something else than the router's own.
    public var routerAdvertisementsReceived = 0
    public var routerAdvertisementsInconsistent = 0
    public var routerSolicitationsReceived = 0
    /// Frames that the worker's queue had no room for.
    public var injectFailed = 0
}
