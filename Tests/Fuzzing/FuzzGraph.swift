// SPDX-License-Identifier: Apache-2.0
import Wire

/// A router that packets are fuzzed at. In each `fuzz0` is where packets come in, and all have the addresses that
/// `PacketSeeds` speak of.
public struct FuzzGraph: Sendable {
    public let name: String
    let configuration: String
    /// Whether next hops and links fail and come back while packets are under way.
    let isRestless: Bool
    /// Whether the port `copies` is to send what came in, as it came.
    var hasCopies = false

    /// Whether frames between the ports pass as they are.
    var isBridge = false

    public static let all = [plain, protected, bridged, mirrored]

    /// The tags of the sub-interfaces that both have, the outermost first.
    static let tags: [[(type: EtherType, vlan: UInt16)]] = [[(.vlan, 7)], [(.serviceVLAN, 7), (.vlan, 9)]]

    /// Everything once, each as simple as it goes. `fuzz1` has a short MTU, so that packets are cut; `fuzz2` the shortest of IPv6.
    public static let plain = FuzzGraph(
        name: "plain",
        configuration: """
            buffers: {count: 4096}
            interfaces:
              fuzz0: {type: fuzz, mac: "02:00:00:00:00:01", mpls: true, addresses: [10.0.0.1/24, 10.8.0.1/16,
                      "2001:db8::1/64", "fe80::1/64"]}
              fuzz1: {type: fuzz, mac: "02:00:00:00:00:02", mtu: 600, addresses: [10.1.0.1/24, 10.2.0.0/31]}
              fuzz2: {type: fuzz, mac: "02:00:00:00:00:03", mtu: 1280,
                      addresses: ["2001:db8:1::1/64", "2001:db8:9::1/64"]}
              fuzz0.7: {type: vlan, parent: fuzz0, dot1q: 7, addresses: [10.7.0.1/24, "2001:db8:7::1/64"]}
              fuzz0.7.9: {type: vlan, parent: fuzz0, dot1ad: 7, second-dot1q: 9, priority: 3, addresses: [10.7.9.1/24]}
              gre0: {type: gre, source: 10.1.0.1, destination: 10.1.0.2, key: 7, checksum: true, sequence: true,
                     addresses: [10.9.0.1/30]}
              gre1: {type: gre, source: "2001:db8:9::1", destination: "2001:db8:9::9", ttl: copy, mpls: true,
                     addresses: [10.9.1.1/30]}
              gre2: {type: gre, source: 10.9.1.1, destination: 10.9.1.2, dont-fragment: false, addresses: [10.9.2.1/30]}
              erspan1: {type: erspan, version: 1, source: 10.1.0.1, destination: 10.1.0.2, decapsulate-to: erspan2}
              erspan2: {type: erspan, session-id: 7, source: 10.1.0.1, destination: 10.1.0.2, decapsulate-to: erspan3}
              erspan3: {type: erspan, version: 3, session-id: 9, timestamp: 1ns, source: "2001:db8:9::1",
                        destination: "2001:db8:9::9", decapsulate-to: erspan4}
              erspan4: {type: erspan, version: 1, source: 10.9.1.1, destination: 10.9.1.2, mtu: 200}
            icmp: {redirects: true}
            neighbors:
              maximum: 4096
              static:
                - {interface: fuzz0, address: 10.0.0.2, mac: "02:00:00:00:01:02"}
                - {interface: fuzz1, address: 10.1.0.2, mac: "02:00:00:00:02:02"}
                - {interface: fuzz1, address: 10.2.0.1, mac: "02:00:00:00:02:03"}
                - {interface: fuzz1, address: 10.1.0.4, mac: "02:00:00:00:02:04"}
                - {interface: fuzz0, address: "2001:db8::2", mac: "02:00:00:00:01:02"}
                - {interface: fuzz0, address: "fe80::2", mac: "02:00:00:00:01:02"}
                - {interface: fuzz0, address: "2001:db8::77", mac: "02:00:00:00:01:77"}
                - {interface: fuzz2, address: "2001:db8:9::9", mac: "02:00:00:00:02:02"}
                - {interface: fuzz0.7, address: 10.7.0.2, mac: "02:00:00:00:01:07"}
                - {interface: fuzz0.7.9, address: 10.7.9.2, mac: "02:00:00:00:01:09"}
            routes:
              - {to: 192.0.2.0/24, via: 10.1.0.2}
              - {to: 192.0.2.128/25, via: 10.0.0.2}
              - {to: 172.16.0.0/12, via: 10.1.0.9}
              - {to: 198.51.100.0/24, type: blackhole}
              - {to: 203.0.113.0/25, type: unreachable}
              - {to: 203.0.113.128/25, type: prohibit}
              - {to: 10.90.0.0/24, interface: gre0}
              - {to: 10.91.0.0/24, via: 10.9.1.2}
              - {to: 10.92.0.0/24, interface: gre2}
            bfd:
              sessions:
                - {peer: 10.0.0.2, passive: true}
                - peer: 10.0.0.3
                  passive: true
                  authentication: {type: meticulous-keyed-sha1, key-id: 7, secret: martlet}
                - {peer: 192.0.2.9, multihop: true, local-address: 10.0.0.1, minimum-ttl: 64, passive: true}
            mpls:
              labels:
                - {label: 100, swap: 200, via: 10.1.0.2}
                - {label: 101, swap: 201, push: [301, 302, 303, 304, 305, 306, 307], via: 10.1.0.2, ttl: uniform}
                - {label: 102, via: 10.1.0.4}
                - {label: 103, via: 10.1.0.4, ttl: uniform}
                - {label: 104, pop: ip}
                - {label: 105, pop: ip, ttl: uniform}
                - {label: 106, pop: label}
                - {label: 107, pop: label, ttl: uniform}
                - {label: 108, swap: 0, via: 10.1.0.8}
                - {label: 109, paths: [{via: 10.1.0.2, swap: 209}, {via: 10.0.0.2, swap: 309, push: [409]}]}
            """, isRestless: false)

    /// Two ways to everywhere, and each next hop the other's backup: plain, with labels, of the other family; routes over
    /// several paths, through other routes, into a VRF; sources that are checked; ICMP errors without end.
    public static let protected = FuzzGraph(
        name: "protected",
        configuration: """
            buffers: {count: 4096}
            vrfs: [red]
            interfaces:
              fuzz0: {type: fuzz, mac: "02:00:00:00:00:01", mpls: true, reverse-path: loose,
                      addresses: [10.0.0.1/24, 10.8.0.1/16, "2001:db8::1/64", "fe80::1/64"]}
              fuzz1: {type: fuzz, mac: "02:00:00:00:00:02", mtu: 1400, mpls: true,
                      addresses: [10.1.0.1/24, 10.2.0.0/31, "2001:db8:1::1/64", "2001:db8:9::1/64"]}
              fuzz2: {type: fuzz, mac: "02:00:00:00:00:03", mtu: 1300, mpls: true, reverse-path-output: strict,
                      addresses: [10.3.0.1/24, "2001:db8:3::1/64"]}
              fuzz0.7: {type: vlan, parent: fuzz0, dot1q: 7, addresses: [10.7.0.1/24, "2001:db8:7::1/64"]}
              fuzz0.7.9: {type: vlan, parent: fuzz0, dot1ad: 7, second-dot1q: 9, priority: 3, addresses: [10.7.9.1/24]}
              gre0: {type: gre, source: "2001:db8:1::1", destination: "2001:db8:1::2", key: 7, mpls: true,
                     addresses: [10.9.0.1/30, "2001:db8:90::1/64"]}
              gre1: {type: gre, source: 10.1.0.1, destination: 8.8.8.8, vrf: red, addresses: [10.9.1.1/30]}
              gre2: {type: gre, source: 10.1.0.1, destination: 172.16.0.1, ttl: copy, addresses: [10.9.2.1/30]}
            icmp: {redirects: true, rate: 1000000, burst: 1000000, rate-per-source: 1000000, burst-per-source: 1000000}
            neighbors:
              maximum: 4096
              static:
                - {interface: fuzz0, address: 10.0.0.2, mac: "02:00:00:00:01:02"}
                - {interface: fuzz1, address: 10.1.0.2, mac: "02:00:00:00:02:02"}
                - {interface: fuzz1, address: 10.1.0.4, mac: "02:00:00:00:02:04"}
                - {interface: fuzz2, address: 10.3.0.2, mac: "02:00:00:00:03:02"}
                - {interface: fuzz2, address: 10.3.0.4, mac: "02:00:00:00:02:04"}
                - {interface: fuzz0, address: "2001:db8::2", mac: "02:00:00:00:01:02"}
                - {interface: fuzz0, address: "fe80::2", mac: "02:00:00:00:01:02"}
                - {interface: fuzz1, address: "2001:db8:1::2", mac: "02:00:00:00:02:12"}
                - {interface: fuzz2, address: "2001:db8:3::2", mac: "02:00:00:00:03:12"}
                - {interface: fuzz1, address: "2001:db8:9::9", mac: "02:00:00:00:02:02"}
                - {interface: fuzz0.7, address: 10.7.0.2, mac: "02:00:00:00:01:07"}
                - {interface: fuzz0.7.9, address: 10.7.9.2, mac: "02:00:00:00:01:09"}
            routes:
              - {to: 192.0.2.0/25, via: 10.1.0.2}
              - {to: 192.0.2.128/25, via: {address: 10.1.0.2, backup: 10.0.0.2}}
              - {to: 172.16.0.0/12, via: [10.1.0.2, 10.3.0.2, 10.1.0.9]}
              - {to: 198.51.100.0/24, via: "2001:db8:1::2"}
              - {to: 203.0.113.0/25, via: {address: 10.1.0.2, labels: [801, 802]}}
              - {to: 203.0.113.128/25, lookup-vrf: red}
              - {to: 203.0.113.128/25, vrf: red, via: {address: 10.3.0.2, vrf: main}}
              - {to: 10.77.0.1/32, via: {address: 10.3.0.2, backup: 10.1.0.2}}
              - {to: 8.8.8.0/24, via: {address: 10.77.0.1, via-host: true}}
              - {to: "2001:db8:ffff::/48", via: ["2001:db8:1::2", "2001:db8:3::2"]}
              - {to: "2001:db8:fffe::/48", via: {address: "2001:db8:1::2", labels: [803]}}
              - {to: "2001:db8:fffd::/48", via: "2001:db8:3::2"}
              - {to: 10.90.0.0/24, via: [10.9.0.2, 10.9.2.2]}
              - {to: 10.91.0.0/24, lookup-vrf: red}
              - {to: 10.91.0.0/24, vrf: red, interface: gre1}
              - {to: 10.92.0.0/24, interface: gre2}
            fast-reroute:
              wait-to-restore: 0s
              hold-down: 0s
              automatic: true
              next-hops:
                - {address: 10.1.0.2, backup: {address: 10.3.0.2, labels: [700, 701]}}
                - {address: 10.3.0.2, backup: {address: "2001:db8:1::2"}}
                - {address: "2001:db8:1::2", backup: {address: "2001:db8:3::2", labels: [702]}}
                - {address: 10.0.0.2, backup: {address: 10.1.0.2}}
                - {address: 10.1.0.4, backup: {address: 10.3.0.4}}
                - {address: 10.3.0.4, backup: {address: 10.1.0.4}}
              interfaces:
                - {interface: fuzz2, backup: {address: 10.1.0.2}}
            bfd:
              sessions:
                - {peer: 10.0.0.2, passive: true}
                - peer: 10.0.0.3
                  passive: true
                  authentication: {type: keyed-md5, key-id: 7, secret: martlet}
                - {peer: "2001:db8::2", passive: true}
                - {peer: "fe80::2", interface: fuzz0, passive: true}
                - {peer: 192.0.2.9, multihop: true, local-address: 10.0.0.1, minimum-ttl: 64, passive: true}
            mpls:
              labels:
                - {label: 100, swap: 200, via: 10.1.0.2}
                - {label: 101, swap: 201, push: [301, 302, 303, 304, 305, 306, 307], via: 10.1.0.2, ttl: uniform}
                - {label: 102, via: 10.1.0.4, backup: {via: 10.3.0.4}}
                - {label: 103, swap: 203, via: 10.1.0.2, backup: {via: 10.3.0.2, swap: 303}, ttl: uniform}
                - {label: 104, pop: ip}
                - {label: 105, pop: ip, ttl: uniform, vrf: red}
                - {label: 106, pop: label}
                - {label: 107, swap: 207, via: "2001:db8:1::2"}
                - {label: 108, swap: 0, via: 10.1.0.8, backup: {via: 10.3.0.2, swap: 308, push: [408]}}
                - {label: 109, paths: [{via: 10.1.0.2, swap: 209}, {via: 10.3.0.2, swap: 309, push: [409]}]}
            """, isRestless: true)

    /// All ports in a bridge, and the router behind a port of its own in it.
    public static let bridged = FuzzGraph(
        name: "bridged",
        configuration: """
            buffers: {count: 4096}
            interfaces:
              fuzz0: {type: fuzz, mac: "02:00:00:00:00:01"}
              fuzz1: {type: fuzz, mac: "02:00:00:00:00:01", mtu: 600}
              fuzz2: {type: fuzz, mac: "02:00:00:00:00:01"}
              irb: {type: bvi, mac: "02:00:00:00:00:01", mpls: true, addresses: [10.0.0.1/24, 10.8.0.1/16, 10.1.0.1/24,
                    "2001:db8::1/64", "2001:db8:1::1/64", "2001:db8:9::1/64", "fe80::1/64"]}
            bridges:
              lan:
                members:
                  - {interface: fuzz0, control-frames: {other: tunnel, bpdu: drop}, storm-control: {multicast: 100000}}
                  - {interface: fuzz1, split-horizon-group: 1}
                  - {interface: fuzz2, mac-limit: 10}
                  - irb
                mac-limit: 1000
                at-mac-limit: drop
                static-macs: {"02:00:00:00:02:02": fuzz1, "02:00:00:00:02:04": fuzz2, "02:00:00:00:01:02": fuzz0}
            icmp: {redirects: true}
            neighbors:
              maximum: 4096
              static:
                - {interface: irb, address: 10.0.0.2, mac: "02:00:00:00:01:02"}
                - {interface: irb, address: 10.1.0.2, mac: "02:00:00:00:02:02"}
                - {interface: irb, address: 10.1.0.4, mac: "02:00:00:00:02:04"}
                - {interface: irb, address: "2001:db8::2", mac: "02:00:00:00:01:02"}
                - {interface: irb, address: "2001:db8:9::9", mac: "02:00:00:00:02:02"}
            routes:
              - {to: 192.0.2.0/24, via: 10.1.0.2}
              - {to: 172.16.0.0/12, via: 10.1.0.9}
              - {to: 203.0.113.0/25, type: unreachable}
            mpls:
              labels:
                - {label: 100, swap: 200, via: 10.1.0.2}
                - {label: 104, pop: ip}
            """, isRestless: false, isBridge: true)

    /// The plain one under the eyes of monitor sessions: one copies all that comes in to the port `copies`, whose frames are
    /// compared with it; others watch sub-interfaces and what leaves, and choose by all that capture lists know.
    public static let mirrored = FuzzGraph(
        name: "mirrored", configuration: plain.configuration.inserting(mirrors, before: "icmp:") + sessions,
        isRestless: false, hasCopies: true)

    private static let mirrors = """
          copies: {type: fuzz, mac: "02:00:00:00:00:04"}
          sink0: {type: "null", mtu: 200}
          sink1: {type: "null"}
          sink1.4: {type: vlan, parent: sink1, dot1q: 4}
          sink2: {type: "null"}

        """

    private static let sessions = """

        capture-lists:
          some:
            udfs:
              a: {header: outer, layer: l2, offset: 12, length: 2}
              b: {header: outer, layer: l3, offset: 63, length: 4}
              c: {header: outer, layer: l4, offset: 2, length: 1}
              d: {header: inner, layer: l2, offset: 0, length: 3}
              e: {header: inner, layer: l3, offset: 9, length: 1}
              f: {header: inner, layer: l4, offset: 3, length: 4}
            entries:
              - {action: deny, udfs: {a: 0x0806, c: 7/7}}
              - {action: permit, udfs: {b: 0/1, d: 0/1}, capture: true}
              - {action: permit, udfs: {e: 17, f: 0/3}, capture: true}
              - {action: permit, protocol: tcp, from: 10.0.0.0/8, from-port: 1-1024, capture: true}
              - {action: permit, protocol: udp, to: "2001:db8::/32", to-port: 53, capture: true}
              - {action: permit, label: 101, capture: true}
              - {action: permit, ether-type: 0x0800, capture: true}
        monitor-sessions:
          all: {destination: copies, allow-multi: true, sources: [{interface: fuzz0, direction: rx}]}
          first: {destination: sink0, class: ipv6, sources: [fuzz0.7, {interface: fuzz0.7.9, first: 20}]}
          tagged: {destination: sink1.4, class: mpls, sources: [{interface: fuzz1, direction: tx, interval: 3}]}
          chosen: {destination: sink2, allow-multi: true, sources: [{interface: fuzz0, acl: some},
                   {interface: fuzz2, acl: some, rate: 1kpps}]}
        """
}

extension String {
    /// With further lines ahead of the first that begins so.
    fileprivate func inserting(_ text: String, before prefix: String) -> String {
        var lines = split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let place = lines.firstIndex(where: { $0.hasPrefix(prefix) }) else {
            preconditionFailure("no line begins with '\(prefix)'")
        }
        lines.insert(text, at: place)
        return lines.joined(separator: "\n")
    }
}
