// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("Ethernet")
struct EthernetTests {
    static let frame = hex("020000000002 020000000001 0800 45 00")
    static let header = EthernetHeader(
        destination: MACAddress(2, 0, 0, 0, 0, 2), source: MACAddress(0x0200_0000_0001), type: .ipv4)

    @Test func deconstruct() {
        reading(Self.frame) { bytes in
            let view = EthernetView(bytes)!
            #expect(view.destination == MACAddress(2, 0, 0, 0, 0, 2))
            #expect(view.source == MACAddress(2, 0, 0, 0, 0, 1))
            #expect(view.type == .ipv4)
            #expect([UInt8](view.payload) == [0x45, 0])
        }
    }

    @Test func construct() {
        let bytes = writing(16) { window in
            let view = EthernetView(window)!
            view.destination = Self.header.destination
            view.source = Self.header.source
            view.type = .ipv4
        }
        #expect(bytes == Array(Self.frame.prefix(14)) + [0xA5, 0xA5])
    }

    @Test func parse() {
        reading(Self.frame) { #expect(EthernetHeader(EthernetView($0)!) == Self.header) }
    }

    @Test func emit() {
        #expect(writing(14) { Self.header.emit(into: $0) } == Array(Self.frame.prefix(14)))
    }

    @Test func truncated() {
        reading(Self.frame) { bytes in
            for length in 0..<14 { #expect(EthernetView(bytes.prefix(length)) == nil) }
            #expect(EthernetView(bytes.prefix(14))!.payload.count == 0)
        }
    }

    @Test func types() {
        #expect(EtherType.vlan.isVLANTag && EtherType.serviceVLAN.isVLANTag && !EtherType.ipv4.isVLANTag)
        #expect(EtherType(rawValue: 1535).isLength && !EtherType(rawValue: 1536).isLength)
        #expect(EtherType(rawValue: 0x1234).description == "0x1234")
    }
}

@Suite("VLAN tag")
struct VLANTests {
    static let bytes = hex("B064 86DD FF")
    static let tag = VLANTag(identifier: 100, priority: 5, isDropEligible: true)

    @Test func deconstruct() {
        reading(Self.bytes) { bytes in
            let view = VLANView(bytes)!
            #expect(view.tag == Self.tag)
            #expect(view.type == .ipv6)
            #expect([UInt8](view.payload) == [0xFF])
        }
    }

    @Test func construct() {
        let bytes = writing(5) { window in
            let view = VLANView(window)!
            view.tag = Self.tag
            view.type = .ipv6
        }
        #expect(bytes == Array(Self.bytes.prefix(4)) + [0xA5])
    }

    @Test func parts() {
        #expect(Self.tag.identifier == 100 && Self.tag.priority == 5 && Self.tag.isDropEligible)
        #expect(VLANTag(identifier: 0xFFFF, priority: 0xFF).rawValue == 0xEFFF)
        #expect(Self.tag.description == "vlan 100 priority 5 drop-eligible")
    }

    @Test func truncated() {
        reading(Self.bytes) { bytes in
            for length in 0..<4 { #expect(VLANView(bytes.prefix(length)) == nil) }
        }
    }
}

@Suite("MAC address")
struct MACAddressTests {
    static let address = MACAddress(0x02, 0x11, 0x22, 0x33, 0x44, 0x5E)

    @Test func text() {
        #expect(Self.address.description == "02:11:22:33:44:5e")
        #expect(MACAddress("02:11:22:33:44:5E") == Self.address)
        #expect(MACAddress("02-11-22-33-44-5e") == Self.address)
    }

    @Test(arguments: [
        "", "02:11:22:33:44", "02:11:22:33:44:5e:00", "02:11:22:33:44:5", "02:11-22:33:44:5e", "2:11:22:33:44:5e",
        "02:11:22:33:44:5g", "021122334455", "02:11:22:33:44:5e ", ":02:11:22:33:44:5", "02.11.22.33.44.5e",
        "٠2:11:22:33:44:5e",
    ])
    func badText(text: String) {
        #expect(MACAddress(text) == nil)
    }

    @Test func numbers() {
        #expect(Self.address.value == 0x0211_2233_445E)
        #expect(Self.address.littleEndianValue == 0x5E44_3322_1102)
        #expect(MACAddress(0xFFFF_0211_2233_445E) == Self.address)
        #expect(MACAddress(littleEndian: 0xABCD_5E44_3322_1102) == Self.address)
        reading([9] + hex("02112233445e") + [9]) { #expect(MACAddress($0, at: 1) == Self.address) }
        #expect(writing(8) { Self.address.emit(into: $0, at: 1) } == [0xA5] + hex("02112233445e") + [0xA5])
    }

    @Test func kinds() {
        #expect(MACAddress.broadcast.isBroadcast && MACAddress.broadcast.isMulticast && !MACAddress.broadcast.isStation)
        #expect(MACAddress(0x0100_5E00_0001).isMulticast && !MACAddress(0x0100_5E00_0001).isBroadcast)
        #expect(Self.address.isStation && Self.address.isLocallyAdministered && !MACAddress.zero.isStation)
        #expect(MACAddress(0x01_00_00_00_00_00) < MACAddress(0x02_00_00_00_00_00))
    }
}
