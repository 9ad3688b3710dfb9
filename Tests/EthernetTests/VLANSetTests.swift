// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Ethernet

/// VLANs as a file writes them.
@Suite struct VLANSetTests {
    @Test(arguments: [
        ("7", "7"), ("0x64", "100"), ("any", "any"), ("10-20", "10-20"), ("10-20, 30", "10-20,30"),
        ("30,10 - 20,21,15-18", "10-21,30"), ("1-4094", "1-4094"), ("4094,1", "1,4094"),
    ]) func reads(text: String, expected: String) {
        #expect(VLANSet(text)?.description == expected)
    }

    @Test(arguments: [
        "", "0", "4095", "-5", "5-", "20-10", "1-2-3", "10,", "10 20", "ten", "any,5", "70000", "+5", "0x", "1..2",
    ]) func refuses(text: String) {
        #expect(VLANSet(text) == nil)
    }

    @Test func `one VLAN is one however it is written, but any is not`() {
        #expect(VLANSet("7")?.single == 7 && VLANSet("7-7,7")?.single == 7)
        #expect(VLANSet("7-8")?.single == nil && VLANSet.any.single == nil)
        #expect(VLANSet("1-4094")?.isAny == false)
    }
}
