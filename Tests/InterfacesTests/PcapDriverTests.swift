// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Interfaces

@Suite("Interfaces of captures")
@ControlPlane
struct PcapDriverTests {
    static func packets(_ count: Int, length: Int = 60) -> [[UInt8]] {
        (0..<count).map { number in
            PacketBuilder().ethernet(from: MACAddress(1), to: MACAddress(UInt64(number))).payload(count: length - 14)
                .bytes
        }
    }

    @Test("what is read arrives, in order, with its time, and every buffer comes back")
    func passes() throws {
        let lab = try DriverLab()
        let packets = Self.packets(1000) + Self.packets(3, length: 1514) + [[], [1], [UInt8](repeating: 7, count: 13)]
        let wan = try lab.add("wan0", ["type": "pcap", "read": "\(try lab.capture("in", packets))"])
        let lan = try lab.add("lan0", ["type": "pcap", "write": "\(lab.path("out"))"])
        lab.connect(wan, to: lan)
        try lab.engine.build()
        lab.engine.runToEnd()
        let records = try lab.records("out")
        #expect(records.map(\.bytes) == packets)
        #expect(records.map(\.nanoseconds) == packets.indices.map { 1_700_000_000_000_000_000 + UInt64($0) })
        #expect(lab.engine.buffersInUse == 0)
        #expect(lab.engine.isFinished == false, "runToEnd is not the threads' isFinished")
        #expect(lab.engine.counters(of: wan.index).rxPackets == UInt64(packets.count))
        #expect(lab.engine.counters(of: wan.index).rxBytes == UInt64(packets.reduce(0) { $0 + $1.count }))
        #expect(lab.drops.isEmpty)
    }

    @Test("two captures, crossed: every run writes the same bytes")
    func repeats() throws {
        func run() throws -> [Data] {
            let lab = try DriverLab()
            let left = try lab.capture("left", Self.packets(700))
            let right = try lab.capture("right", Self.packets(300, length: 200)) { UInt64(5_000_000_000 + $0) }
            let one = try lab.add("one", ["type": "pcap", "read": "\(left)", "write": "\(lab.path("one"))"])
            let two = try lab.add("two", ["type": "pcap", "read": "\(right)", "write": "\(lab.path("two"))"])
            let tap = try lab.add("copy", ["type": "pcap", "write": "\(lab.path("copy"))"])
            lab.connect(one, to: two)
            lab.connect(two, to: one)
            try lab.engine.build()
            // A packet that came from no capture.
            lab.engine.inject([UInt8](repeating: 9, count: 60), at: InterfaceOutput.name, txInterface: tap.index)
            lab.engine.runToEnd()
            #expect(try lab.records("one").count == 300)
            #expect(try lab.records("two").count == 700)
            #expect(lab.engine.buffersInUse == 0)
            return try ["one", "two", "copy"].map { try Data(contentsOf: URL(fileURLWithPath: lab.path($0))) }
        }
        #expect(try run() == run())
    }

    @Test("packets that come from no capture are a microsecond apart")
    func numbers() throws {
        let lab = try DriverLab()
        let out = try lab.add("out", ["type": "pcap", "write": "\(lab.path("out"))"])
        try lab.engine.build()
        for _ in 0..<3 { lab.engine.inject([1, 2, 3], at: InterfaceOutput.name, txInterface: out.index) }
        lab.engine.step()
        #expect(try lab.records("out").map(\.nanoseconds) == [0, 1000, 2000])
    }

    @Test("the file can be read while the router runs")
    func readable() throws {
        let lab = try DriverLab()
        let wan = try lab.add("wan0", ["type": "pcap", "read": "\(try lab.capture("in", Self.packets(300)))"])
        lab.connect(wan, to: try lab.add("lan0", ["type": "pcap", "write": "\(lab.path("out"))"]))
        try lab.engine.build()
        lab.engine.step()
        #expect(try lab.records("out").count == 256)
    }

    @Test("other tools read what was written", arguments: ["tcpdump -nr", "tshark -nr"])
    func tools(_ tool: String) throws {
        let program = String(tool.prefix { $0 != " " })
        guard system("command -v \(program) >/dev/null") == 0 else { return }
        let lab = try DriverLab()
        let packets = (1...5).map {
            PacketBuilder().ethernet(from: MACAddress(1), to: MACAddress(2)).ipv4(
                from: IPv4Address(10, 0, 0, $0), to: .any
            )
            .udp(from: 1, to: 2).padded().bytes
        }
        let wan = try lab.add("wan0", ["type": "pcap", "read": "\(try lab.capture("in", packets))"])
        lab.connect(wan, to: try lab.add("lan0", ["type": "pcap", "write": "\(lab.path("out"))"]))
        try lab.engine.build()
        lab.engine.runToEnd()
        #expect(system("\(tool) \(lab.path("out")) 2>/dev/null >\(lab.path("text"))") == 0)
        let text = try String(contentsOfFile: lab.path("text"), encoding: .utf8)
        #expect(text.split(separator: "\n").count == 5)
        for last in 1...5 { #expect(text.contains("10.0.0.\(last)")) }
    }

    @Test("records longer than a buffer are counted, not forwarded, and told once")
    func oversize() async throws {
        let lab = try DriverLab()
        let packets = [
            Self.packets(1, length: 1792)[0], Self.packets(1, length: 1793)[0], Self.packets(1, length: 9000)[0],
        ]
        let wan = try lab.add("wan0", ["type": "pcap", "read": "\(try lab.capture("in", packets + Self.packets(1)))"])
        lab.connect(wan, to: try lab.add("lan0", ["type": "pcap", "write": "\(lab.path("out"))"]))
        try lab.engine.build()
        lab.engine.runToEnd()
        #expect(try lab.records("out").map(\.bytes.count) == [1792, 60])
        #expect(lab.engine.counters(of: wan.index).rxErrors == 2)
        #expect(lab.engine.counters(of: wan.index).rxPackets == 2)
        #expect(lab.engine.buffersInUse == 0)
        #expect(await eventually { lab.log.count("packet 2 has 1793 bytes") == 1 })
        #expect(lab.log.all.count == 1)
    }

    @Test("a capture that is cut short plays up to the cut")
    func cutShort() async throws {
        let lab = try DriverLab()
        let whole = try Data(contentsOf: URL(fileURLWithPath: lab.capture("in", Self.packets(10))))
        try whole.dropLast(5).write(to: URL(fileURLWithPath: lab.path("cut")))
        let wan = try lab.add("wan0", ["type": "pcap", "read": "\(lab.path("cut"))"])
        lab.connect(wan, to: try lab.add("lan0", ["type": "pcap", "write": "\(lab.path("out"))"]))
        try lab.engine.build()
        lab.engine.runToEnd()
        #expect(try lab.records("out").count == 9)
        #expect(lab.engine.counters(of: wan.index).rxErrors == 1)
        #expect(await eventually { lab.log.count("is broken at packet 10") == 1 })
    }

    @Test("a full disk: named drops, one line, no lost buffer")
    func fullDisk() async throws {
        let lab = try DriverLab()
        let wan = try lab.add(
            "wan0", ["type": "pcap", "read": "\(try lab.capture("in", Self.packets(3000, length: 1500)))"])
        let lan = try lab.add("lan0", ["type": "pcap", "write": "/dev/full"])
        lab.connect(wan, to: lan)
        try lab.engine.build()
        lab.engine.runToEnd()
        let dropped = try #require(lab.drops["lan0-tx capture-failed"])
        #expect(dropped > 2000)
        #expect(lab.engine.counters(of: lan.index).txErrors == dropped)
        #expect(lab.engine.buffersInUse == 0)
        #expect(await eventually { lab.log.count("No space left on device") == 1 })
        #expect(lab.log.all.count == 1)
    }

    @Test("several workers, on threads: the first reads, and all is written")
    func threads() async throws {
        let lab = try DriverLab(workers: 3)
        let packets = Self.packets(20000)
        let wan = try lab.add("wan0", ["type": "pcap", "read": "\(try lab.capture("in", packets))"])
        lab.connect(wan, to: try lab.add("lan0", ["type": "pcap", "write": "\(lab.path("out"))"]))
        try lab.engine.build()
        lab.engine.start()
        #expect(await eventually { lab.engine.isFinished })
        lab.engine.stop()
        #expect(try lab.records("out").map(\.bytes) == packets)
        #expect(lab.engine.buffersInUse == 0)
    }

    @Test("an interface without a file to write takes packets and forgets them")
    func forgets() throws {
        let lab = try DriverLab()
        let wan = try lab.add("wan0", ["type": "pcap", "read": "\(try lab.capture("in", Self.packets(10)))"])
        lab.connect(wan, to: wan)
        try lab.engine.build()
        lab.engine.runToEnd()
        #expect(lab.engine.counters(of: wan.index).txPackets == 10)
        #expect(lab.engine.buffersInUse == 0)
    }

    @Test("what can be wrong in the file is said at its place")
    func errors() throws {
        let lab = try DriverLab()
        let good = try lab.capture("good", Self.packets(1))
        try Data("no capture".utf8).write(to: URL(fileURLWithPath: lab.path("bad")))
        func expect(_ entry: DriverLab.Node, _ text: String) {
            let problem = lab.problem(entry) ?? "nothing"
            #expect(problem.contains(text), "\(problem)")
        }
        expect(
            ["type": "pcap", "read": "/nowhere/x.pcap"],
            "interfaces.wan0.read: cannot open the capture '/nowhere/x.pcap': No such file")
        expect(["type": "pcap", "read": "\(lab.path("bad"))"], "is not a capture file")
        expect(["type": "pcap", "read": "\(good)", "write": "\(lab.folder)/./good"], "this is the file that is read")
        expect(
            ["type": "pcap", "write": "/nowhere/x.pcap"], "cannot create the capture '/nowhere/x.pcap': No such file")
        expect(["type": "pcap", "mac": "01:00:00:00:00:01"], "01:00:00:00:00:01 is not the address of one station")
        expect(["type": "pcap", "mtu": 1771], "1771 does not fit in a buffer of 2048 bytes; give 1770 or less")
        expect(["type": "pcap", "reed": "x"], "unknown key 'reed'")
        #expect(try lab.records("good").count == 1, "a refused interface leaves the file alone")
        #expect(lab.problem(["type": "pcap", "write": "\(lab.path("out"))"], name: "one") == nil)
        let second = lab.problem(["type": "pcap", "write": "\(lab.path("out"))"], name: "two") ?? ""
        #expect(second.contains("the interface one writes"))
    }

    @Test("addresses and MTU: derived, given, and shown")
    func properties() throws {
        let lab = try DriverLab()
        let one = try lab.add("one", ["type": "pcap"])
        let two = try lab.add("two", ["type": "pcap", "mac": "02:00:00:00:00:07", "mtu": 1280])
        let other = try DriverLab()
        #expect(try other.add("one", ["type": "pcap"]).mac == one.mac)
        #expect(one.mac != MACAddress(derivedFrom: "two").littleEndianValue)
        #expect(MACAddress(littleEndian: one.mac).isLocallyAdministered)
        #expect(MACAddress(littleEndian: one.mac).isStation)
        #expect(one.mtu == 1500 && one.isLinkUp && one.isAdminUp)
        #expect(MACAddress(littleEndian: two.mac).description == "02:00:00:00:00:07")
        #expect(two.mtu == 1280)
    }
}
