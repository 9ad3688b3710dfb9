// SPDX-License-Identifier: Apache-2.0
import Wire

/// A UDP datagram of BFD's, of either IP version, as local delivery hands it over: at its IP header and checked.
struct BFDDatagram: BitwiseCopyable {
    let source: IPAddress
    let destination: IPAddress
    /// TTL or hop limit.
    let timeToLive: UInt8
    let udp: UDPView

    init?(_ bytes: Bytes) {
        guard let header = IPv4View(bytes) else { return nil }
        if header.version == 6 {
            guard let header = IPv6View(bytes) else { return nil }
            var headers = IPv6Extensions(header)
            while headers.next() != nil {}
            guard headers.problem == nil, headers.protocol == .udp, let udp = UDPView(headers.payload) else {
                return nil
            }
            source = .v6(header.source)
            destination = .v6(header.destination)
            timeToLive = header.hopLimit
            self.udp = udp
        } else {
            guard let udp = UDPView(header.payload) else { return nil }
            source = .v4(header.source)
            destination = .v4(header.destination)
            timeToLive = header.timeToLive
            self.udp = udp
        }
    }
}
