// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import GraphTestSupport
import Testing
import Wire

@testable import Graph
@testable import Interfaces

/// What a station on the kernel's side of a TAP device sends and receives.
private final class HostStation {
    private let socket: Int32
    private var address = sockaddr_ll()

    init(_ device: String) throws {
        socket = CMartletLinux_rawSocket(AF_PACKET, Int32(UInt16(ETH_P_ALL).bigEndian))
        try #require(socket >= 0)
        address.sll_family = UInt16(AF_PACKET)
        address.sll_protocol = UInt16(ETH_P_ALL).bigEndian
        address.sll_ifindex = Int32(if_nametoindex(device))
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
            }
        }
        try #require(bound == 0)
    }

    deinit { close(socket) }

    func send(_ frame: [UInt8]) { #expect(write(socket, frame, frame.count) == frame.count) }

    /// The frames of the local experimental EtherType that are there now.
    func received() -> [[UInt8]] {
        var frames: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let length = CMartletLinux_receiveDatagram(socket, &buffer, buffer.count, 0)
            guard length >= 0 else { return frames }
            if length > 14, buffer[12] == 0x88, buffer[13] == 0xb5 { frames.append(Array(buffer[..<length])) }
        }
    }
}

@Suite("TAP devices", .enabled(if: XDPLab.isPossible, XDPLab.reason))
@ControlPlane
struct TapTests {
    /// One turn of the data plane and of the control side with what it watches.
    func turn(_ lab: DriverLab) {
        lab.engine.step()
        _ = lab.engine.turn(ready: Array(lab.engine.watches.keys))
    }

    @Test("frames go both ways, unchanged, and every buffer comes back")
    func bothWays() throws {
        try NetworkNamespace.withNew {
            let lab = try DriverLab()
            let tap = try lab.add("tap0", ["type": "tap", "host-addresses": ["192.0.2.1/24", "2001:db8::1/64"]])
            lab.connect(tap, to: tap)
            try lab.engine.build()
            turn(lab)
            #expect(tap.isLinkUp && tap.mtu == 1500)
            let host = try HostStation("tap0")
            let frames = [15, 60, 64, 1000, 1514].map { LabPort.frame($0) }
            frames.forEach { host.send($0) }
            for _ in 0..<4 { turn(lab) }
            // The socket sees what it sent itself, too: what came back is what counts twice.
            let back = host.received()
            for frame in frames { #expect(back.count { $0 == frame } >= 1) }
            let counters = lab.engine.counters(of: tap.index)
            #expect(counters.rxPackets >= 5 && counters.txPackets == counters.rxPackets && counters.txErrors == 0)
            #expect(lab.engine.buffersInUse == 0)
            #expect(lab.drops.isEmpty)
            XDPLab.run("ip address show tap0 | grep -q 'inet 192.0.2.1/24'")
            XDPLab.run("ip address show tap0 | grep -q 'inet6 2001:db8::1/64'")
        }
    }

    @Test("the two sides have addresses of their own, stable ones, and the MTU that was given")
    func properties() throws {
        try NetworkNamespace.withNew {
            let lab = try DriverLab()
            let tap = try lab.add(
                "wan0", ["type": "tap", "device": "tapX", "mtu": 1400, "host-mac": "02:00:00:00:00:01"])
            let kernel = try Link(named: "tapX")
            #expect(kernel.address == [2, 0, 0, 0, 0, 1] && kernel.mtu == 1400 && kernel.isUp)
            #expect(tap.mtu == 1400 && tap.kind == "tap")
            let one = try lab.add("tap1", ["type": "tap"])
            #expect(MACAddress(littleEndian: one.mac).isStation)
            #expect(one.mac != tap.mac)
            let address = try Link(named: "tap1").address
            #expect((0..<6).map { UInt8(truncatingIfNeeded: one.mac >> (8 * UInt64($0))) } != address)
            try NetworkNamespace.withNew {
                let other = try DriverLab()
                #expect(try other.add("tap1", ["type": "tap"]).mac == one.mac)
            }
        }
    }

    @Test("a device that was made before keeps its address and MTU")
    func existing() throws {
        try NetworkNamespace.withNew {
            XDPLab.run("ip tuntap add dev tap0 mode tap && ip link set tap0 mtu 1300 address 02:00:00:00:00:05")
            let lab = try DriverLab()
            let tap = try lab.add("tap0", ["type": "tap"])
            let kernel = try Link(named: "tap0")
            #expect(kernel.address == [2, 0, 0, 0, 0, 5] && kernel.mtu == 1300 && kernel.isUp)
            turn(lab)
            #expect(tap.mtu == 1300)
        }
    }

    @Test("the kernel's side down: link down, named drops; and up again")
    func down() throws {
        try NetworkNamespace.withNew {
            let lab = try DriverLab()
            let tap = try lab.add("tap0", ["type": "tap"])
            let source = try lab.add("gen0", ["type": "generator", "count": 10, "packets": [["size": 60]]])
            lab.connect(source, to: tap)
            try lab.engine.build()
            XDPLab.run("ip link set tap0 down")
            // Before the control side has heard of it.
            lab.engine.step()
            #expect(lab.drops["tap0-tx device-down"] == 10)
            #expect(lab.engine.counters(of: tap.index).txErrors == 10)
            turn(lab)
            #expect(!tap.isLinkUp)
            XDPLab.run("ip link set tap0 up mtu 1200")
            turn(lab)
            #expect(tap.isLinkUp && tap.mtu == 1200)
            #expect(lab.engine.buffersInUse == 0)
        }
    }

    @Test("deleted underneath: link down, one line, others go on; made again, it works again")
    func deleted() throws {
        try NetworkNamespace.withNew {
            let lab = try DriverLab()
            let tap = try lab.add("tap0", ["type": "tap"])
            let other = try lab.add("tap1", ["type": "tap"])
            let source = try lab.add(
                "gen0", ["type": "generator", "count": 10, "rate": "full", "packets": [["size": 60]]])
            lab.connect(source, to: tap)
            lab.connect(other, to: other)
            try lab.engine.build()
            turn(lab)
            XDPLab.run("ip link delete tap0")
            lab.engine.inject(LabPort.frame(60), at: InterfaceOutput.name, txInterface: tap.index)
            lab.engine.step()
            #expect(lab.drops["tap0-tx device-gone"] == 1)
            for _ in 0..<3 { turn(lab) }
            #expect(!tap.isLinkUp)
            #expect(lab.log.count("tap0 was deleted") == 1)
            let host = try HostStation("tap1")
            host.send(LabPort.frame(60))
            for _ in 0..<3 { turn(lab) }
            #expect(host.received().count >= 1)
            #expect(lab.engine.counters(of: other.index).rxPackets >= 1)

            XDPLab.run("ip tuntap add dev tap0 mode tap")
            for _ in 0..<3 { turn(lab) }
            #expect(tap.isLinkUp)
            let before = lab.engine.counters(of: tap.index).rxPackets
            let back = try HostStation("tap0")
            back.send(LabPort.frame(60))
            turn(lab)
            #expect(lab.engine.counters(of: tap.index).rxPackets > before)
            #expect(lab.engine.buffersInUse == 0)
        }
    }

    @Test("moved to another network namespace, the device goes on, and is the same one when it comes back")
    func moved() throws {
        try NetworkNamespace.withNew {
            let home = OwnedFile(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC))
            let lab = try DriverLab()
            let tap = try lab.add("tap0", ["type": "tap"])
            lab.connect(tap, to: tap)
            try lab.engine.build()
            turn(lab)
            try NetworkNamespace.withNew {
                let away = OwnedFile(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC))
                #expect(CMartletLinux_enterNetwork(home.number) == 0)
                XDPLab.run("ip link set tap0 netns /proc/\(getpid())/fd/\(away.number)")
                turn(lab)
                #expect(tap.isLinkUp)
                #expect(lab.log.count("has moved to another network namespace") == 1)
                #expect(CMartletLinux_enterNetwork(away.number) == 0)
                XDPLab.run("ip link set tap0 up")
                let before = lab.engine.counters(of: tap.index).rxPackets
                try HostStation("tap0").send(LabPort.frame(60))
                lab.engine.step()
                #expect(lab.engine.counters(of: tap.index).rxPackets > before)
                XDPLab.run("ip link set tap0 netns /proc/\(getpid())/fd/\(home.number)")
            }
            turn(lab)
            #expect(!tap.isLinkUp, "a move sets a device down")
            XDPLab.run("ip link set tap0 up")
            turn(lab)
            #expect(tap.isLinkUp)
            #expect(lab.log.count("was deleted") == 0)
            #expect(lab.engine.buffersInUse == 0)
        }
    }

    @Test("frames longer than a buffer, when somebody raises the MTU, are receive errors")
    func oversize() throws {
        try NetworkNamespace.withNew {
            let lab = try DriverLab()
            let tap = try lab.add("tap0", ["type": "tap"])
            lab.connect(tap, to: tap)
            try lab.engine.build()
            XDPLab.run("ip link set tap0 mtu 9000")
            turn(lab)
            #expect(tap.mtu == 1770)
            #expect(lab.log.count("set a larger `buffers.size`") == 1)
            try HostStation("tap0").send(LabPort.frame(9000))
            turn(lab)
            #expect(lab.engine.counters(of: tap.index).rxErrors == 1)
            #expect(lab.engine.buffersInUse == 0)
        }
    }

    @Test("each worker has a queue")
    func queues() throws {
        try NetworkNamespace.withNew {
            let lab = try DriverLab(workers: 3)
            let tap = try lab.add("tap0", ["type": "tap"])
            lab.connect(tap, to: tap)
            try lab.engine.build()
            turn(lab)
            XDPLab.run("ip -details link show tap0 | grep -q multi_queue")
            #expect(tap.details.contains { $0.name == "queues" && $0.value == "3" })
            let host = try HostStation("tap0")
            for number in 0..<200 {
                let flow = PacketBuilder().ethernet(from: MACAddress(1), to: MACAddress(tap.mac)).ipv4(
                    from: IPv4Address(10, 0, 0, UInt8(number)), to: IPv4Address(10, 0, 1, 1))
                host.send(flow.udp(from: UInt16(number), to: 5).padded().bytes)
            }
            for _ in 0..<3 { turn(lab) }
            let busy = lab.engine.nodeSamples().filter { $0.node == "tap0-rx" && $0.counters.packets > 0 }
            #expect(busy.count > 1, "flows are spread over the queues")
            #expect(busy.reduce(0) { $0 + $1.counters.packets } >= 200)
            #expect(lab.engine.buffersInUse == 0)
        }
    }

    @Test("a worker that sleeps wakes for a frame, and rests when the device is gone")
    func wakes() async throws {
        let (lab, tap, host) = try NetworkNamespace.withNew {
            let lab = try DriverLab()
            let tap = try lab.add("tap0", ["type": "tap"])
            lab.connect(tap, to: tap)
            try lab.engine.build()
            return (lab, tap, try HostStation("tap0"))
        }
        lab.engine.start()
        #expect(await eventually { lab.engine.workerSamples()[0].isAsleep })
        let before = lab.engine.counters(of: tap.index).rxPackets
        host.send(LabPort.frame(60))
        #expect(await eventually { lab.engine.counters(of: tap.index).rxPackets > before })
        lab.engine.stop()
        #expect(lab.engine.buffersInUse == 0)
    }

    @Test("what can be wrong is said with what to do")
    func errors() throws {
        try NetworkNamespace.withNew {
            let lab = try DriverLab()
            @ControlPlane func expect(_ entry: DriverLab.Node, _ text: String, name: String = "tap0") {
                let problem = lab.problem(entry, name: name) ?? "nothing"
                #expect(problem.contains(text), "\(problem)")
            }
            expect(
                ["type": "tap"], "cannot be the name of a kernel device; name one with 'device:'",
                name: "a-very-long-interface")
            expect(["type": "tap", "device": "a/b"], "'a/b' is not a device name")
            expect(
                ["type": "tap", "host-addresses": ["192.0.2.1"]],
                "host-addresses[0]: '192.0.2.1' is not an address with its prefix length")
            expect(
                ["type": "tap", "mac": "02:00:00:00:00:01", "host-mac": "02:00:00:00:00:01"],
                "both sides of the device would have")
            _ = try VethPair("veth0", "veth1")
            expect(["type": "tap", "device": "veth0"], "there is a device veth0 that is no TAP device")
            #expect(lab.problem(["type": "tap"], name: "tap1") == nil)
            expect(["type": "tap", "device": "tap1"], "the TAP device tap1 is in use")
        }
        #expect("\(TapError(attaching: "tap0", queues: 1, code: EPERM))".contains("CAP_NET_ADMIN: run as root"))
        #expect("\(TapError.noTunnels(code: ENOENT))".contains("modprobe tun"))
        #expect("\(TapError.noTunnels(code: EACCES))".contains("run as root"))
    }
}
