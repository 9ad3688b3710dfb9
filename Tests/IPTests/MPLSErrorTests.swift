// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// ICMP errors about labelled packets (RFC 3032 sections 2.3, 2.4); what they say the golden cases show.
@Suite @ControlPlane struct MPLSErrorTests {
    private let lab: MPLSLab

    init() throws { lab = try MPLSLab() }

    private func expiring(_ stack: [(label: UInt32, ttl: UInt8)], source: UInt16 = 1) -> [UInt8] {
        lab.datagram(lab.labelled(lab.lab.fromA, stack), source: source)
    }

    /// The rates of all ICMP errors hold: a flood is answered up to the burst of one source.
    @Test func isLimited() throws {
        try lab.label(100, lab.path(lab.red, [200]))
        let outcome = lab.bench.outcome(of: (0..<400).map { (lab.lan, expiring([(100, 1)], source: $0)) })
        let sent = outcome.frames["lan"]?.count ?? 0
        #expect(sent >= 20 && sent < 400)
        #expect(outcome.drops["mpls-icmp-error/ttl-expired"] == UInt64(sent))
        #expect(outcome.drops["mpls-icmp-error/rate-limited"] == UInt64(400 - sent))
        lab.bench.checkBalance()
    }

    /// A label whose packets are routed by a table has its errors routed by that table.
    @Test func tableOfTheLabel() throws {
        let red = try lab.ip.fib.makeTable(named: "red")
        try lab.ip.fib.setRoute(IPPrefix("10.0.0.0/24")!, [lab.path(lab.blue, [])], in: red)
        try lab.labels.set(MPLSLabel(rawValue: 500), .lookupIP(red.index), at: .any, mode: .pipe, from: "test")
        let outcome = lab.bench.outcome(of: [(lab.lan, expiring([(500, 0)]))])
        #expect(outcome.frames.keys.sorted() == ["blue"] && outcome.frames["blue"]?.count == 1)
        #expect(outcome.drops == ["mpls-icmp-error/ttl-expired": 1])
    }

    /// A path that cannot be used says so, and nobody is told about the label.
    @Test func pathIsDown() throws {
        try lab.label(100, lab.path(lab.red, [200]))
        lab.fail(lab.red)
        let outcome = lab.bench.outcome(of: [(lab.lan, expiring([(100, 1), (77, 9)]))])
        #expect(outcome.frames.isEmpty && outcome.drops == ["mpls-lookup/unreachable": 1])
        lab.bench.checkBalance()
    }

    /// An error on its way along the path that expires itself is not told about.
    @Test func noErrorAboutAnError() throws {
        try lab.label(100, lab.path(lab.red, [200]))
        let told = lab.bench.outcome(of: [(lab.lan, expiring([(100, 1), (77, 1)]))]).frames["red"]?.first ?? []
        #expect(told.count > 100)
        // The next router's view: its own label in front, at its end.
        var again = told
        again.replaceSubrange(0..<18, with: Array(lab.labelled(lab.lab.fromA, [(100, 1)]).bytes))
        again[16] &= 0xfe
        lab.bench.send([again], at: lab.lan, drops: ["mpls-icmp-error/not-told": 1])
    }

    /// Frames cut short anywhere end by name, and no buffer is lost.
    @Test func truncated() throws {
        try lab.label(100, lab.path(lab.red, [200]))
        let frame = expiring([(100, 1), (77, 1)])
        for length in 14..<frame.count {
            let outcome = lab.bench.outcome(of: [(lab.lan, Array(frame.prefix(length)))])
            #expect(outcome.drops.values.reduce(0, +) == 1, "\(length) bytes: \(outcome.drops)")
            #expect(outcome.frames.isEmpty)
        }
        lab.bench.checkBalance()
    }
}
