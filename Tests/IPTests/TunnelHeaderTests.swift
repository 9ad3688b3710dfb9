// SPDX-License-Identifier: Apache-2.0
import Graph
import Synchronization
import Testing
import Wire

@testable import IP

/// What tunnels share: the outer header from its template, the table of ends, ECN, and who is late.
@Suite @ControlPlane struct TunnelHeaderTests {
    @Test func `an outer header from the template is the one that would be written afresh`() {
        let (source, destination) = (IPv4Address(192, 0, 2, 1), IPv4Address(198, 51, 100, 255))
        for (dontFragment, identification) in [(true, 0), (false, 0xfffe)] as [(Bool, UInt16)] {
            let template = OuterHeader(from: .v4(source), to: .v4(destination), dontFragment: dontFragment)
            for (timeToLive, trafficClass, length) in [(255, 0, 20), (1, 0xff, 1500), (64, 0xb8, 0xffff)] {
                var written = [UInt8](repeating: 0xa5, count: length)
                written.withBytes { window in
                    template.write(
                        .init(
                            timeToLive: UInt8(timeToLive), trafficClass: UInt8(trafficClass),
                            identification: 0xfffe), into: window)
                }
                var expected = [UInt8](repeating: 0xa5, count: length)
                expected.withBytes { window in
                    IPv4Header(
                        source: source, destination: destination, protocol: .gre, payloadLength: length - 20,
                        timeToLive: UInt8(timeToLive), trafficClass: UInt8(trafficClass),
                        identification: identification, dontFragment: dontFragment
                    ).emit(into: window)
                }
                #expect(written == expected)
            }
        }
    }

    @Test func `of IPv6 too, with the flow in its label`() {
        let (source, destination) = (IPv6Address("2001:db8::1")!, IPv6Address("2001:db8:ffff::2")!)
        let template = OuterHeader(from: .v6(source), to: .v6(destination))
        var written = [UInt8](repeating: 0, count: 77)
        written.withBytes { window in
            template.write(.init(timeToLive: 9, trafficClass: 0xb9, flow: 0xfff1_2345), into: window)
        }
        var expected = [UInt8](repeating: 0, count: 77)
        expected.withBytes { window in
            IPv6Header(
                source: source, destination: destination, nextHeader: .gre, payloadLength: 37, hopLimit: 9,
                trafficClass: 0xb9, flowLabel: 0x1_2345
            ).emit(into: window)
        }
        #expect(written == expected)
    }

    @Test func `tunnels are found by their ends, table and selector, and by nothing less`() {
        let table = EndpointTable()
        defer { table.unmap() }
        func ends(_ last: Int, _ number: UInt32 = 0) -> TunnelEnds {
            TunnelEnds(
                local: .v4(IPv4Address(10, 0, 0, 1)), remote: .v4(IPv4Address(0x0b00_0000 + UInt32(last))),
                table: number)
        }
        for last in 0..<20_000 {
            #expect(table.add(ends(last), .gre(key: last % 2 == 0 ? nil : UInt32(last)), UInt32(last + 1)) == nil)
        }
        #expect(table.add(ends(6), .gre(key: nil), 99) == 7)
        for last in 0..<20_000 {
            #expect(table.number(ends(last), .gre(key: last % 2 == 0 ? nil : UInt32(last))) == UInt32(last + 1))
        }
        #expect(table.number(ends(6), .gre(key: 0)) == 0 && table.knows(ends(6)))
        #expect(table.number(ends(6, 1), .gre(key: nil)) == 0 && !table.knows(ends(6, 1)))
        #expect(table.number(ends(6), .erspan(session: nil)) == 0)
        let six = TunnelEnds(
            local: .v6(IPv6Address(high: 0, low: 0x0a00_0001)), remote: .v6(IPv6Address(high: 0, low: 0x0b00_0006)),
            table: 0)
        #expect(!table.knows(six))
    }

    /// RFC 6040 section 4.2, figure 4; rows: inner Not-ECT, ECT(1), ECT(0), CE; columns: outer the same.
    @Test func `congestion marks at a tunnel's end`() {
        let expected: [[UInt8?]] = [[0, 0, 0, nil], [1, 1, 1, 3], [2, 1, 2, 3], [3, 3, 3, 3]]
        for inner in 0..<4 as Range<UInt8> {
            let row = (0..<4 as Range<UInt8>).map { TunnelECN.leaving(inner: inner, outer: $0) }
            #expect(row == expected[Int(inner)], "inner \(inner)")
        }
    }

    @Test func `who is late, and who has begun anew`() {
        let word = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: 1)
        word.initialize(to: Atomic(0))
        defer { word.deallocate() }
        let window = SequenceWindow(word)
        var clock = Clock.now
        func judge(_ sequence: UInt32) -> String { "\(window.judge(sequence, at: clock))" }
        #expect(judge(4_000_000_000) == "inOrder(missing: 0)", "the first may have any number")
        #expect(judge(4_000_000_000) == "late")
        #expect(judge(3_999_999_999) == "late")
        #expect(judge(4_000_000_005) == "inOrder(missing: 4)")
        #expect(judge(4_294_967_295) == "inOrder(missing: 294967289)")
        #expect(judge(0) == "inOrder(missing: 0)", "it wraps")
        #expect(judge(4_294_967_295) == "late")
        clock &+= Clock.ticks(milliseconds: 2000)
        #expect(judge(0) == "late")
        clock &+= Clock.ticks(milliseconds: 2000)
        #expect(judge(0) == "restarted")
        #expect(judge(0) == "late")
        #expect(judge(1) == "inOrder(missing: 0)")
    }
}
