// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Testing
import Wire

@testable import Interfaces

@Suite struct XDPNetlinkTests {
    @Test func `attributes end where they are cut short`() {
        let bytes: [UInt8] = [6, 0, 1, 0, 0xaa, 0xbb, 0, 0, 5, 0, 2, 0x80, 0xcc, 0, 0, 0, 9, 0, 3, 0, 1]
        bytes.withUnsafeBytes { bytes in
            let found = NetlinkAttributes(bytes).map { ($0.type, Array($0.value)) }
            #expect(found.map(\.0) == [1, 2])
            #expect(found.map(\.1) == [[0xaa, 0xbb], [0xcc]])
        }
    }

    @Test func `garbage is read without a crash`() {
        var generator = SystemRandomNumberGenerator()
        for length in 0..<400 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...40, using: &generator) }
            bytes.withUnsafeBytes { bytes in
                for reply in NetlinkReplies(bytes) {
                    _ = Link(reply)
                    for attribute in NetlinkAttributes(reply.body) { _ = attribute.value.number(UInt32.self) }
                }
            }
        }
    }

    @Test func `a message carries its length and nested attributes theirs`() {
        var message = NetlinkMessage(type: 16, flags: NLM_F_ACK, fixed: ifinfomsg(index: 3))
        message.add(18) { $0.add(1, "veth") }
        #expect(message.bytes.count == 16 + 16 + 4 + 12)
        message.bytes.withUnsafeBytes { bytes in
            #expect(bytes.loadUnaligned(as: UInt32.self) == UInt32(bytes.count))
            let replies = NetlinkReplies(bytes).map { $0.type }
            #expect(replies == [16])
            let outer = NetlinkAttributes(UnsafeRawBufferPointer(rebasing: bytes[32...])).map { $0 }
            #expect(outer.map(\.type) == [18])
            #expect(NetlinkAttributes(outer[0].value).map { $0.value.text } == ["veth"])
        }
    }
}

@Suite(.serialized, .enabled(if: XDPLab.isPossible, XDPLab.reason))
struct XDPLinkTests {
    @Test func `describes a device`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1", mtu: 2000, queues: 2)
            XDPLab.run("ip link set lab0 address 02:00:00:00:00:11")
            let link = try Link(named: "lab0")
            #expect(link.address == [2, 0, 0, 0, 0, 0x11])
            #expect(link.mtu == 2000 && link.isUp && link.hasCarrier && link.isRunning)
            #expect(link.kind == "veth" && link.driver == "veth" && link.speed == 10000)
            #expect(link.receiveQueues == 2 && link.transmitQueues == 2)
            #expect(throws: XDPError.noDevice("nowhere")) { try Link(named: "nowhere") }
        }
    }

    @Test func `follows a device through its life`() throws {
        try NetworkNamespace.withNew {
            let pair = try VethPair("lab0", "lab1")
            let monitor = try LinkMonitor()
            #expect(try waitFor(monitor) { Set($0.compactMap(\.presentName)) == ["lo", "lab0", "lab1"] })

            XDPLab.run("ip link set lab0 mtu 1400")
            #expect(try waitFor(monitor) { $0.contains { $0.isPresent("lab0") { $0.mtu == 1400 } } })

            // The kernel tells of a carrier up to a second later.
            try VethPair.setUp("lab1", false)
            #expect(try waitFor(monitor) { $0.contains { $0.isPresent("lab0") { $0.isUp && !$0.hasCarrier } } })

            try pair.delete()
            #expect(try waitFor(monitor) { $0.contains { $0.isGone("lab0") } && $0.contains { $0.isGone("lab1") } })
            #expect(monitor.links.keys.sorted() == ["lo"])

            _ = try VethPair("lab0", "lab1")
            #expect(try waitFor(monitor) { $0.contains { $0.isPresent("lab0") { $0.isRunning } } })
        }
    }

    @Test func `misses nothing when the kernel says that it lost messages`() throws {
        try NetworkNamespace.withNew {
            let pair = try VethPair("lab0", "lab1")
            let monitor = try LinkMonitor()
            #expect(try waitFor(monitor) { !$0.isEmpty })
            var small: Int32 = 1
            setsockopt(monitor.fileDescriptor, SOL_SOCKET, SO_RCVBUF, &small, socklen_t(MemoryLayout<Int32>.size))
            try pair.delete()
            for number in 0..<40 { XDPLab.run("ip link set lo mtu \(1000 + number)") }
            #expect(
                try waitFor(monitor) { changes in
                    changes.contains { $0.isGone("lab0") } && changes.contains { $0.isPresent("lo") { $0.mtu == 1039 } }
                })
        }
    }

    @Test func `settings are made and restored`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1")
            XDPLab.run("ethtool -K lab0 rxvlan on gro on")
            do {
                let settings = try DeviceSettings(device: "lab0", mode: .generic) { Issue.record("\($0)") }
                _ = settings.device
                XDPLab.run("ip -details link show lab0 | grep -q 'promiscuity 1'")
                XDPLab.run("ethtool -k lab0 | grep -q 'rx-vlan-offload: off'")
                XDPLab.run("ethtool -k lab0 | grep -q 'generic-receive-offload: off'")
            }
            XDPLab.run("ip -details link show lab0 | grep -q 'promiscuity 0'")
            XDPLab.run("ethtool -k lab0 | grep -q 'rx-vlan-offload: on'")
            XDPLab.run("ethtool -k lab0 | grep -q 'generic-receive-offload: on'")
        }
    }

    /// A NIC lets nothing pass that nobody asked for: neighbor discovery needs groups, an address of the router's own
    /// another station; a veth, which has no filter for stations, is made promiscuous for it by the kernel.
    @Test(arguments: [nil, MACAddress(0x0200_0000_0077)] as [MACAddress?])
    func `without promiscuous mode groups and the own station are asked for`(station: MACAddress?) throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1")
            do {
                let settings = try DeviceSettings(
                    device: "lab0", mode: .driver, promiscuous: false, station: station
                ) { Issue.record("\($0)") }
                _ = settings.device
                let stations = station == nil ? 0 : 1
                XDPLab.run("ip -details link show lab0 | grep -q 'promiscuity \(stations) .*allmulti 1'")
            }
            XDPLab.run("ip -details link show lab0 | grep -q 'promiscuity 0 .*allmulti 0'")
        }
    }

    /// Collects changes until `test` likes them; false when it does not within three seconds.
    private func waitFor(_ monitor: LinkMonitor, _ test: ([LinkMonitor.Change]) -> Bool) throws -> Bool {
        var changes: [LinkMonitor.Change] = []
        for _ in 0..<300 {
            try monitor.read { changes.append($0) }
            if test(changes) { return true }
            usleep(10_000)
        }
        return false
    }
}

extension LinkMonitor.Change {
    fileprivate var presentName: String? {
        if case .present(let link) = self { link.name } else { nil }
    }

    fileprivate func isGone(_ name: String) -> Bool {
        if case .gone(let link) = self { link.name == name } else { false }
    }

    fileprivate func isPresent(_ name: String, where test: (Link) -> Bool) -> Bool {
        if case .present(let link) = self { link.name == name && test(link) } else { false }
    }
}
