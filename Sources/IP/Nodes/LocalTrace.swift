// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What `ip4-local` and `ip6-local` say about a packet to the router.
public struct LocalTrace: TraceRecord {
    var source = IPAddress.v4(.any)
    var destination = IPAddress.v4(.any)
    var `protocol`: UInt8 = 0
    var port: UInt16 = 0

    public init() {}

    public var description: String {
        let port = port == 0 ? "" : ", port \(port)"
        return "\(source) -> \(destination), \(IPProtocol(rawValue: `protocol`))\(port)"
    }
}
