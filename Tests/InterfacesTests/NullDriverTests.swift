// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import Interfaces

@Suite("Interfaces to nowhere")
@ControlPlane
struct NullDriverTests {
    @Test("everything is taken, counted and freed")
    func takes() throws {
        let lab = try DriverLab()
        let source = try lab.add("source", ["type": "generator", "count": 1000, "packets": [["size": 60]]])
        let sink = try lab.add("sink", ["type": "null", "mac": "02:00:00:00:00:09"])
        lab.connect(source, to: sink)
        try lab.engine.build()
        lab.engine.runToEnd()
        let counters = lab.engine.counters(of: sink.index)
        #expect(counters.txPackets == 1000 && counters.txBytes == 60000 && counters.txErrors == 0)
        #expect(lab.engine.buffersInUse == 0)
        #expect(sink.isLinkUp && sink.kind == "null")
    }

    @Test("two interfaces of one name are refused")
    func twice() throws {
        let lab = try DriverLab()
        try lab.add("sink", ["type": "null"])
        #expect(
            lab.problem(["type": "null"], name: "sink")?.contains("there is an interface of this name already") == true)
    }
}
