// SPDX-License-Identifier: Apache-2.0
import Wire

/// Reads a packet's headers in every way there is.
enum HeaderCheck {
    static func walk(_ bytes: Bytes) throws(FuzzFailure) {
        try hash(bytes)
        try bfd(bytes)
        try gre(bytes)
        guard let packet = IPv6View(bytes) else { return }
        let end = min(bytes.count, packet.totalLength)
        var headers = IPv6Extensions(packet)
        while let header = headers.next() {
            if header.offset + header.bytes.count > end { throw FuzzFailure("an extension header beyond the end") }
            guard header.kind == .hopByHop || header.kind == .destinationOptions else { continue }
            var options = header.options
            while let option = options.next() {
                if option.offset + option.data.count > end { throw FuzzFailure("an option beyond the end") }
            }
        }
        if headers.offset + headers.payload.count != end {
            throw FuzzFailure("the payload does not end where the packet does")
        }
        try discovery(headers, of: packet)
    }

    /// A message without a problem has whole options.
    private static func discovery(_ headers: IPv6Extensions, of packet: IPv6View) throws(FuzzFailure) {
        guard headers.problem == nil, headers.protocol == .icmp6, !headers.isLaterFragment,
            let view = try? NDView(validating: headers, of: packet)
        else { return }
        var options = view.options
        while let option = options.next() {
            _ = (option.station, option.mtu, option.prefix, option.dnsServers, option.redirected)
        }
        if options.problem != nil { throw FuzzFailure("a valid message with a bad option") }
        // Accessors stay within the message even of types that have no such field.
        _ = (view.sourceStation, view.targetStation, view.target, view.redirectedDestination)
        _ = (view.reachableTime, view.retransmissionTime, view.preference, view.isOverriding)
    }

    /// What stands behind BFD's mandatory section is within what the packet claims, and what is there.
    private static func bfd(_ bytes: Bytes) throws(FuzzFailure) {
        guard let view = BFDView(bytes) else { return }
        _ = BFDPacket(view)
        guard let section = view.authentication else { return }
        if BFDView.minimumLength + section.length > min(view.length, bytes.count) {
            throw FuzzFailure("an authentication section beyond the packet's end")
        }
        _ = section.length >= 8 ? section.sequence : 0
    }

    private static func gre(_ bytes: Bytes) throws(FuzzFailure) {
        guard let view = GREView(bytes) else { return }
        _ = (view.key, view.sequence, view.isChecksumRight)
        if view.length + view.payload.count != bytes.count { throw FuzzFailure("a GRE payload beyond the packet") }
        guard let mirrored = ERSPANView(bytes) else { return }
        _ = (mirrored.vlan, mirrored.priority, mirrored.encapsulation, mirrored.session, mirrored.isTruncated)
        if mirrored.version == 2 { _ = (mirrored.frameType, mirrored.isEgress, mirrored.hasSubHeader) }
        if mirrored.length + mirrored.payload.count != bytes.count { throw FuzzFailure("a frame beyond the packet") }
    }

    private static func hash(_ bytes: Bytes) throws(FuzzFailure) {
        let first = hashes(bytes)
        if first != hashes(bytes) { throw FuzzFailure("a packet has two hashes") }
    }

    private static func hashes(_ bytes: Bytes) -> [UInt32?] {
        [
            FlowHash.ipv4(bytes, seed: 7), FlowHash.ipv6(bytes, seed: 7), FlowHash.mpls(bytes, seed: 7),
            FlowHash.symmetricIPv4(bytes), FlowHash.symmetricIPv6(bytes), FlowHash.symmetricMPLS(bytes),
        ]
    }
}
