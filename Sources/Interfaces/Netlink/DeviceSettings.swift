// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Wire

/// The kernel's settings of a device while Martlet drives it; what was there before is restored when the value goes
/// away.
///
/// - Promiscuous mode, because the router has addresses of its own (virtual router MACs, bridged stations). Without it
///   all groups and the router's own MAC: neighbor discovery asks groups for addresses, routing protocols speak to others,
///   and a NIC lets none pass that nobody asked for. It hangs on an open packet socket, so the kernel takes it back even
///   after a crash.
/// - VLAN stripping off, because AF_XDP has no place for a tag that is not in the frame.
/// - LRO off, and GRO too in generic mode, where the program runs after it: merged packets must not be forwarded.
///
/// The offloads stay as they are set if the process is killed.
///
/// Checksums: what a *peer* leaves to its own device cannot be set here. A veth's other end that has `tx` checksumming
/// on sends TCP and UDP packets from local sockets without a checksum (only the pseudo header's sum is in the field),
/// in the belief that no wire follows. AF_XDP forwards them like that and the receiver drops them. `ethtool -K PEER tx
/// off` mends it; physical devices and forwarded traffic do not have the problem. In the same manner, VLAN tags that
/// the other end of a veth leaves to its device (`txvlan`) are lost: `ethtool -K PEER txvlan off`.
public struct DeviceSettings: ~Copyable {
    public let device: String
    private let ethtool: Ethtool
    private let listener: OwnedFile
    private let changed: [Ethtool.Feature]

    /// - Parameters:
    ///   - device: In the calling thread's network namespace.
    ///   - mode: Where the XDP program runs.
    ///   - promiscuous: Whether frames for any station are received; if not, those for all groups are and those for the
    ///     device's own address.
    ///   - station: Frames for this station are received in any case.
    ///   - warn: Takes a line for the operator when a setting cannot be made.
    public init(
        device: String, mode: XDPProgram.Mode, promiscuous: Bool = true, station: MACAddress? = nil,
        warn: (String) -> Void
    ) throws(XDPError) {
        let ethtool = try Ethtool()
        let listener = try DeviceSettings.listen(device, promiscuous ? PACKET_MR_PROMISC : PACKET_MR_ALLMULTI)
        if !promiscuous, let station { try DeviceSettings.join(device, PACKET_MR_UNICAST, listener, station) }
        var unwanted = [Ethtool.Feature.receiveVLAN, .largeReceiveOffload]
        if mode == .generic { unwanted.append(.genericReceiveOffload) }
        var changed: [Ethtool.Feature] = []
        for feature in unwanted where ethtool.isOn(feature, of: device) == true {
            let error = ethtool.set(feature, of: device, on: false)
            if error == 0 {
                changed.append(feature)
            } else {
                warn("\(device): cannot switch \(feature.rawValue) off (\(text(of: error))); \(feature.consequence)")
            }
        }
        self.device = device
        self.changed = changed
        self.listener = listener
        self.ethtool = ethtool
    }

    deinit {
        for feature in changed { _ = ethtool.set(feature, of: device, on: true) }
    }

    /// A packet socket that receives nothing (protocol 0) and is one of the device's listeners to all there is, or to all
    /// groups.
    private static func listen(_ device: String, _ kind: Int32) throws(XDPError) -> OwnedFile {
        let number = CMartletLinux_rawSocket(AF_PACKET, 0)
        guard number >= 0 else { throw .kernel(errno, "open a packet socket", device: device) }
        let socket = OwnedFile(number)
        try join(device, kind, socket)
        return socket
    }

    /// Has the device let frames pass as long as the socket is open.
    private static func join(
        _ device: String, _ kind: Int32, _ socket: borrowing OwnedFile, _ station: MACAddress = .zero
    ) throws(XDPError) {
        let index = if_nametoindex(device)
        guard index != 0 else { throw .noDevice(device) }
        var membership = packet_mreq()
        membership.mr_ifindex = Int32(index)
        membership.mr_type = UInt16(kind)
        if !station.isZero {
            membership.mr_alen = 6
            withUnsafeMutableBytes(of: &membership.mr_address) { address in
                address.storeBytes(of: station.littleEndianValue.littleEndian, as: UInt64.self)
            }
        }
        let size = socklen_t(MemoryLayout<packet_mreq>.size)
        guard setsockopt(socket.number, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, size) == 0 else {
            throw .kernel(errno, "have the device receive what is for others", device: device)
        }
    }
}

extension Ethtool.Feature {
    /// What happens to packets while the feature stays on.
    fileprivate var consequence: String {
        switch self {
        case .receiveVLAN: "VLAN tags of received packets are lost"
        case .largeReceiveOffload, .genericReceiveOffload: "merged packets may be too long to forward"
        }
    }
}
