// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// The ethtool calls on devices of one network namespace: that of the thread which makes the value.
///
/// These and rtnetlink know the namespace; /sys/class/net shows the one it was mounted in, so it is not used.
struct Ethtool: ~Copyable {
    /// Settings of a device that are on or off.
    enum Feature: String, CaseIterable {
        case genericReceiveOffload = "gro"
        case largeReceiveOffload = "lro"
        case receiveVLAN = "rxvlan"

        fileprivate var commands: (get: Int32, set: Int32) {
            switch self {
            case .genericReceiveOffload: (ETHTOOL_GGRO, ETHTOOL_SGRO)
            case .largeReceiveOffload, .receiveVLAN: (ETHTOOL_GFLAGS, ETHTOOL_SFLAGS)
            }
        }

        /// The bit in the value of the commands.
        fileprivate var bit: UInt32 {
            switch self {
            case .genericReceiveOffload: 1
            case .largeReceiveOffload: UInt32(ETH_FLAG_LRO.rawValue)
            case .receiveVLAN: UInt32(ETH_FLAG_RXVLAN.rawValue)
            }
        }
    }

    private let socket: OwnedFile

    init() throws(XDPError) {
        let number = CMartletLinux_rawSocket(AF_NETLINK, NETLINK_GENERIC)
        guard number >= 0 else { throw .failed("open a socket", device: "ethtool", code: errno) }
        socket = OwnedFile(number)
    }

    /// nil when the device has no such setting.
    func isOn(_ feature: Feature, of device: String) -> Bool? {
        value(feature.commands.get, of: device).map { $0 & feature.bit != 0 }
    }

    /// Returns 0, or the error number.
    func set(_ feature: Feature, of device: String, on: Bool) -> Int32 {
        guard let old = value(feature.commands.get, of: device) else { return EOPNOTSUPP }
        var command = ethtool_value()
        command.cmd = UInt32(feature.commands.set)
        command.data = on ? old | feature.bit : old & ~feature.bit
        return call(device, &command)
    }

    func driver(of device: String) -> String? {
        var information = ethtool_drvinfo()
        information.cmd = UInt32(ETHTOOL_GDRVINFO)
        guard call(device, &information) == 0 else { return nil }
        return withUnsafeBytes(of: information.driver) { $0.text }
    }

    /// Mbit/s; nil when the device does not know, as while there is no carrier.
    func speed(of device: String) -> Int? {
        var settings = ethtool_cmd()
        settings.cmd = UInt32(ETHTOOL_GSET)
        guard call(device, &settings) == 0 else { return nil }
        let speed = UInt32(settings.speed_hi) << 16 | UInt32(settings.speed)
        return speed == 0 || speed == .max || speed == 0xffff ? nil : Int(speed)
    }

    /// Queues in use; nil when the driver does not tell.
    func queues(of device: String) -> (receive: Int, transmit: Int)? {
        var channels = ethtool_channels()
        channels.cmd = UInt32(ETHTOOL_GCHANNELS)
        guard call(device, &channels) == 0 else { return nil }
        let receive = Int(channels.combined_count + channels.rx_count)
        let transmit = Int(channels.combined_count + channels.tx_count)
        return receive > 0 && transmit > 0 ? (receive, transmit) : nil
    }

    private func value(_ command: Int32, of device: String) -> UInt32? {
        var value = ethtool_value()
        value.cmd = UInt32(command)
        return call(device, &value) == 0 ? value.data : nil
    }

    private func call<Command: BitwiseCopyable>(_ device: String, _ command: inout Command) -> Int32 {
        withUnsafeMutableBytes(of: &command) { CMartletLinux_ethtool(socket.number, device, $0.baseAddress) }
    }
}
