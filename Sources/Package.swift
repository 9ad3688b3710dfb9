// swift-tools-version: 6.2
import PackageDescription

// The library: one dynamic product, several modules. Arrows go one way:
// Wire <- Graph <- { Interfaces, Ethernet, IP, Mirror } <- Control.

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "Sources",
    products: [
        .library(
            name: "Martlet", type: .dynamic,
            targets: ["Wire", "Graph", "Interfaces", "Ethernet", "IP", "Mirror", "Control"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "3.12.3"),
    ],
    targets: [
        .target(
            name: "CMartletLinux", path: "CMartletLinux",
            linkerSettings: [
                .linkedLibrary("xdp"), .linkedLibrary("bpf"), .linkedLibrary("elf"), .linkedLibrary("pcap"),
                .linkedLibrary("edit"),
            ]),
        .target(name: "Wire", path: "Wire", swiftSettings: settings),
        .target(
            name: "Graph",
            dependencies: ["CMartletLinux", "Wire", .product(name: "Logging", package: "swift-log")],
            path: "Graph", swiftSettings: settings),
        .target(
            name: "Interfaces",
            dependencies: ["CMartletLinux", "Graph", "Wire", .product(name: "Logging", package: "swift-log")],
            path: "Interfaces", swiftSettings: settings),
        .target(
            name: "Ethernet",
            dependencies: ["CMartletLinux", "Graph", "Wire", .product(name: "Logging", package: "swift-log")],
            path: "Ethernet", swiftSettings: settings),
        .target(
            name: "IP",
            dependencies: [
                "CMartletLinux", "Graph", "Wire", "Ethernet", .product(name: "Logging", package: "swift-log"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            path: "IP", swiftSettings: settings),
        .target(
            name: "Mirror",
            dependencies: [
                "CMartletLinux", "Graph", "Wire", "Interfaces", "Ethernet", "IP",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Mirror", swiftSettings: settings),
        .target(
            name: "Control",
            dependencies: [
                "CMartletLinux", "Wire", "Graph", "Interfaces", "Ethernet", "IP", "Mirror",
                .product(name: "Yams", package: "Yams"),
                .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Control", swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
