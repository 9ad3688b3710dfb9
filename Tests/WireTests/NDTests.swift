// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

private let host = IPv6Address("2001:db8::1")!
private let neighbor = IPv6Address("2001:db8::2")!
private let router = IPv6Address("fe80::1")!
private let group = IPv6Address("ff02::1:ff00:2")!
private let hostStation = MACAddress("02:00:00:00:00:01")!
private let neighborStation = MACAddress("02:00:00:00:00:02")!

/// A packet of neighbor discovery: the message's checksum is made right unless told otherwise.
private struct Packet {
    var source: IPv6Address
    var destination: IPv6Address
    var message: [UInt8]
    var hopLimit: UInt8 = 255
    var isMended = true

    init(_ source: IPv6Address, _ destination: IPv6Address, _ message: String) {
        (self.source, self.destination, self.message) = (source, destination, hex(message))
    }

    func validate<Result>(_ body: (NDView) -> Result) throws(NDProblem) -> Result {
        var bytes = writing(40 + message.count) { window in
            IPv6Header(
                source: source, destination: destination, nextHeader: .icmp6, payloadLength: message.count,
                hopLimit: hopLimit
            ).emit(into: window)
            for (offset, byte) in message.enumerated() { window.store(byte, at: 40 + offset) }
            let view = ICMPv6View(window.dropping(first: 40))
            if isMended { view?.computeChecksum(source: source, destination: destination) }
        }
        return try bytes.withBytes { window throws(NDProblem) in
            let packet = IPv6View(window)!
            return body(try NDView(validating: packet.upperLayer, of: packet))
        }
    }

    var problem: NDProblem? {
        do throws(NDProblem) {
            try validate { _ in }
            return nil
        } catch {
            return error
        }
    }

    func changed(_ change: (inout Packet) -> Void) -> Packet {
        var copy = self
        change(&copy)
        return copy
    }
}

/// Made by Scapy 2.8, checksums included.
private enum Sample {
    static let solicitation = Packet(
        host, group, "87 00 1C27 00000000 20010DB8000000000000000000000002 0101 020000000001")
    static let probe = Packet(.any, group, "87 00 4CEB 00000000 20010DB8000000000000000000000002")
    static let advertisement = Packet(
        neighbor, host, "88 00 0A71 E0000000 20010DB8000000000000000000000002 0201 020000000002")
    static let routerSolicitation = Packet(
        IPv6Address("fe80::ff:fe00:2")!, .allRouters, "85 00 7B2B 00000000 0101 020000000001")
    static let routerAdvertisement = Packet(
        router, .allNodes,
        """
        86 00 FC69 40 C8 0708 00007530 000003E8 0101 020000000001 0501 0000 000005DC
        0304 40 C0 00278D00 00093A80 00000000 20010DB8000000010000000000000000
        1905 0000 00000258 20010DB8000000000000000000000053 20010DB8000000000000000000000054
        """)
    static let redirect = Packet(
        router, IPv6Address("2001:db8::9")!,
        """
        89 00 A493 00000000 FE800000000000000000000000000007 20010DB8000500000000000000000001
        0201 020000000007 0407 0000 00000000
        60000000 0008 11 40 20010DB8000000000000000000000009 20010DB8000500000000000000000001 0001 0002 0008 A45A
        """)
    static let all = [solicitation, probe, advertisement, routerSolicitation, routerAdvertisement, redirect]
}

@Suite("Neighbor discovery: what is read")
struct NDViewTests {
    @Test(arguments: Sample.all.indices)
    func samplesAreValid(sample: Int) {
        #expect(Sample.all[sample].changed { $0.isMended = false }.problem == nil)
    }

    @Test func solicitation() throws {
        try Sample.solicitation.validate { view in
            #expect(view.type == .neighborSolicitation && view.target == neighbor)
            #expect(view.sourceStation == hostStation && view.targetStation == nil)
        }
        try Sample.probe.validate { #expect($0.sourceStation == nil && $0.target == neighbor) }
    }

    @Test func advertisement() throws {
        try Sample.advertisement.validate { view in
            #expect(view.type == .neighborAdvertisement && view.target == neighbor)
            #expect(view.isRouter && view.isSolicited && view.isOverriding && view.targetStation == neighborStation)
        }
        try Sample.advertisement.changed { $0.message[4] = 0x20 }.validate { view in
            #expect(!view.isRouter && !view.isSolicited && view.isOverriding)
        }
    }

    @Test func routers() throws {
        try Sample.routerSolicitation.validate { #expect($0.sourceStation == hostStation) }
        try Sample.routerAdvertisement.validate { view in
            #expect(view.hopLimit == 64 && view.isManaged && view.hasOtherConfiguration && view.preference == .high)
            #expect(view.routerLifetime == 1800 && view.reachableTime == 30000 && view.retransmissionTime == 1000)
            #expect(view.sourceStation == hostStation)
            var options = view.options
            #expect(options.next()?.kind == .sourceLinkLayerAddress)
            #expect(options.next()?.mtu == 1500)
            let prefix = options.next()?.prefix
            #expect(prefix == NDPrefix(IPv6Prefix("2001:db8:0:1::/64")!))
            let servers = options.next()?.dnsServers
            #expect(servers?.lifetime == 600)
            #expect(servers?.addresses.map(\.description) == ["2001:db8::53", "2001:db8::54"])
            #expect(options.next() == nil && options.problem == nil)
        }
    }

    @Test func redirect() throws {
        try Sample.redirect.validate { view in
            #expect(view.target == IPv6Address("fe80::7"))
            #expect(view.redirectedDestination == IPv6Address("2001:db8:5::1"))
            #expect(view.targetStation == MACAddress("02:00:00:00:00:07"))
            var options = view.options
            _ = options.next()
            #expect(options.next()?.redirected.map { IPv6View($0)?.source } == IPv6Address("2001:db8::9"))
        }
    }

    /// Options with lengths or contents that make no sense to us are as if they were not there.
    @Test(arguments: [
        "0102 0200000000010000 000000000000", "0501 0000 00000000 0301 0000 00000000", "1901 0000 00000258",
        "0304 81 C0 00000001 00000001 00000000 20010DB8000000010000000000000000",
        "1904 0000 00000258 20010DB8000000000000000000000053 0000000000000000", "FE01 0123 45670123",
    ])
    func strangeOptionsAreIgnored(text: String) throws {
        try Sample.probe.changed {
            $0.source = host; $0.message += hex(text)
        }.validate { view in
            #expect(view.sourceStation == nil)
            var options = view.options
            while let option = options.next() {
                #expect(option.prefix == nil && option.dnsServers == nil && option.station == nil)
            }
        }
    }

    private static let wrong: [(NDProblem, Packet)] = [
        (.hopLimit, Sample.solicitation.changed { $0.hopLimit = 254 }),
        (
            .checksum,
            Sample.solicitation.changed {
                $0.message[2] = 0; $0.isMended = false
            }
        ),
        (.code, Sample.solicitation.changed { $0.message[1] = 1 }),
        (.code, Sample.redirect.changed { $0.message[1] = 1 }),
        (.unknownType, Sample.solicitation.changed { $0.message[0] = 138 }),
        (.truncated, Sample.solicitation.changed { $0.message.removeLast(9) }),
        (.truncated, Sample.solicitation.changed { $0.message.removeLast(28) }),
        (.truncated, Sample.redirect.changed { $0.message = Array($0.message.prefix(39)) }),
        (.truncated, Sample.routerAdvertisement.changed { $0.message = Array($0.message.prefix(15)) }),
        (.truncated, Sample.routerSolicitation.changed { $0.message = Array($0.message.prefix(7)) }),
        (.emptyOption, Sample.solicitation.changed { $0.message[25] = 0 }),
        (.emptyOption, Sample.advertisement.changed { $0.message += [14, 0, 0, 0, 0, 0, 0, 0] }),
        (.truncatedOption, Sample.solicitation.changed { $0.message[25] = 2 }),
        (.truncatedOption, Sample.solicitation.changed { $0.message.append(1) }),
        (.multicastTarget, Sample.solicitation.changed { $0.message[8] = 0xFF }),
        (.multicastTarget, Sample.advertisement.changed { $0.message[8] = 0xFF }),
        (.multicastTarget, Sample.redirect.changed { $0.message[24] = 0xFF }),
        (.unspecifiedSource, Sample.probe.changed { $0.destination = neighbor }),
        (.unspecifiedSource, Sample.probe.changed { $0.destination = .allNodes }),
        (.stationOfUnspecified, Sample.solicitation.changed { $0.source = .any }),
        (.stationOfUnspecified, Sample.routerSolicitation.changed { $0.source = .any }),
        (.solicitedByGroup, Sample.advertisement.changed { $0.destination = .allNodes }),
        (.sourceNotLinkLocal, Sample.routerAdvertisement.changed { $0.source = host }),
        (.sourceNotLinkLocal, Sample.redirect.changed { $0.source = host }),
        (.redirectTarget, Sample.redirect.changed { $0.message[8] = 0x20 }),
    ]

    @Test(arguments: wrong.indices)
    func wrongMessagesAreNamed(number: Int) {
        let (problem, packet) = Self.wrong[number]
        #expect(packet.problem == problem)
    }

    /// Every problem but this one, which needs another header, is among the samples.
    @Test func everyProblemIsTried() {
        #expect(Set(Self.wrong.map(\.0)).union([.fragmented]) == Set(NDProblem.allCases))
        #expect(Set(NDProblem.allCases.map(\.description)).count == NDProblem.allCases.count)
    }

    /// RFC 6980: not even in one fragment.
    @Test func fragmentsAreRefused() {
        let message = Sample.solicitation.message
        let bytes = writing(48 + message.count) { window in
            IPv6Header(
                source: host, destination: group, nextHeader: .fragment, payloadLength: 8 + message.count,
                hopLimit: 255
            ).emit(into: window)
            IPv6Fragment(next: .icmp6, units: 0, moreFragments: false, identification: 1).emit(
                into: window.dropping(first: 40))
            for (offset, byte) in message.enumerated() { window.store(byte, at: 48 + offset) }
        }
        reading(bytes) { window in
            let packet = IPv6View(window)!
            #expect(throws: NDProblem.fragmented) { try NDView(validating: packet.upperLayer, of: packet) }
        }
    }

    /// Any bytes behind a right header: no read past the end, no endless walk.
    @Test func garbage() {
        var random = Lehmer(state: 58)
        for round in 0..<20_000 {
            var packet = Sample.all[round % Sample.all.count]
            for _ in 0..<(random.next() % 6) {
                packet.message[Int(random.next() % UInt64(packet.message.count))] = UInt8(
                    truncatingIfNeeded: random.next() % (random.next() % 2 == 0 ? 8 : 256))
            }
            packet.message = Array(packet.message.prefix(Int(random.next() % UInt64(packet.message.count + 1))))
            try? packet.validate { view in
                var options = view.options
                while let option = options.next() { _ = (option.prefix, option.dnsServers, option.mtu, option.station) }
                if options.problem != nil { Issue.record("\(packet.message)") }
                _ = (view.sourceStation, view.targetStation)
            }
        }
    }
}

@Suite("Neighbor discovery: what is written")
struct NDMessageTests {
    private func emit(_ message: some NDMessage, like packet: Packet) {
        let bytes = writing(message.length) {
            message.emit(into: $0, source: packet.source, destination: packet.destination)
        }
        #expect(bytes == packet.message)
    }

    @Test func neighbors() {
        emit(NeighborSolicitation(target: neighbor, station: hostStation), like: Sample.solicitation)
        emit(NeighborSolicitation(target: neighbor, station: nil), like: Sample.probe)
        emit(
            NeighborAdvertisement(
                target: neighbor, station: neighborStation, isRouter: true, isSolicited: true, isOverriding: true),
            like: Sample.advertisement)
        let quiet = NeighborAdvertisement(
            target: neighbor, station: nil, isRouter: false, isSolicited: false, isOverriding: true)
        #expect(quiet.rest == 0x2000_0000 && quiet.length == 24)
    }

    @Test func routers() {
        emit(RouterSolicitation(station: hostStation), like: Sample.routerSolicitation)
        #expect(RouterSolicitation(station: nil).length == 8)
        let advertisement = RouterAdvertisement(
            isManaged: true, hasOtherConfiguration: true, preference: .high, reachableTime: 30000,
            retransmissionTime: 1000, station: hostStation, mtu: 1500,
            prefixes: [NDPrefix(IPv6Prefix("2001:db8:0:1::/64")!)],
            dnsServers: .init([IPv6Address("2001:db8::53")!, IPv6Address("2001:db8::54")!], lifetime: 600))
        emit(advertisement, like: Sample.routerAdvertisement)
        #expect(RouterAdvertisement(hopLimit: 0, routerLifetime: 0).rest == 0)
        #expect(RouterAdvertisement(preference: .low).rest == 0x4018_0708)
    }

    @Test func redirect() {
        let quoted = Array(Sample.redirect.message.suffix(48))
        emit(
            Redirect6(
                target: IPv6Address("fe80::7")!, destination: IPv6Address("2001:db8:5::1")!,
                station: MACAddress("02:00:00:00:00:07"), redirected: quoted + [1, 2, 3]),
            like: Sample.redirect)
        let long = Redirect6(
            target: neighbor, destination: neighbor, station: nil, redirected: [UInt8](repeating: 1, count: 9000))
        #expect(long.length == 40 + 8 + 254 * 8)
    }
}
