// swift-tools-version: 6.2
import PackageDescription

// `swift build` here builds everything: the library (its own package, in Sources/), the executable,
// the plugins and the tests. The executable and every plugin link the same dynamic library, so a type,
// a class or a registry is the same one in all of them.

let library: Target.Dependency = .product(name: "Martlet", package: "Sources")

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet", targets: ["martlet"]),
        .library(name: "ExamplePlugin", type: .dynamic, targets: ["ExamplePlugin"]),
    ],
    dependencies: [
        .package(path: "Sources")
    ],
    targets: [
        .executableTarget(name: "martlet", dependencies: [library], path: "Tools/martlet", swiftSettings: settings),
        .target(name: "ExamplePlugin", dependencies: [library], path: "Plugins/Example", swiftSettings: settings),
        // Counts what a worker allocates; a program of its own, because it takes the allocator's place.
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        .executableTarget(
            name: "allocation-probe", dependencies: [library, "CAllocationCounter"], path: "Tests/AllocationProbe",
            swiftSettings: settings),
        .testTarget(name: "WireTests", dependencies: [library], path: "Tests/WireTests", swiftSettings: settings),
        .testTarget(name: "GraphTests", dependencies: [library], path: "Tests/GraphTests", swiftSettings: settings),
        .testTarget(
            name: "EthernetTests", dependencies: [library, "GraphTestSupport"], path: "Tests/EthernetTests",
            swiftSettings: settings),
        .testTarget(
            name: "InterfacesTests", dependencies: [library, "GraphTestSupport"], path: "Tests/InterfacesTests",
            swiftSettings: settings,
            linkerSettings: [.linkedLibrary("xdp"), .linkedLibrary("bpf")]),
        .testTarget(
            name: "IPTests", dependencies: [library, "GraphTestSupport"], path: "Tests/IPTests", swiftSettings: settings
        ),
        .testTarget(
            name: "MirrorTests", dependencies: [library, "GraphTestSupport"], path: "Tests/MirrorTests",
            swiftSettings: settings),
        .testTarget(name: "FIBTests", dependencies: [library], path: "Tests/FIBTests", swiftSettings: settings),
        .testTarget(name: "ControlTests", dependencies: [library], path: "Tests/ControlTests", swiftSettings: settings),
        .testTarget(
            name: "PluginTests", dependencies: [library, "ExamplePlugin"], path: "Tests/PluginTests",
            swiftSettings: settings),
        .target(
            name: "GraphTestSupport", dependencies: [library], path: "Tests/GraphTestSupport", swiftSettings: settings),
        .testTarget(
            name: "CaseTests", dependencies: [library, "GraphTestSupport"], path: "Tests/CaseTests",
            swiftSettings: settings),
        .target(
            name: "Fuzzing", dependencies: [library, "GraphTestSupport"], path: "Tests/Fuzzing",
            swiftSettings: settings),
        .executableTarget(
            name: "martlet-fuzz", dependencies: [library, "Fuzzing"], path: "Tools/martlet-fuzz",
            swiftSettings: settings),
        .testTarget(
            name: "FuzzTests", dependencies: [library, "Fuzzing"], path: "Tests/FuzzTests", exclude: ["Corpus"],
            swiftSettings: settings),
        .testTarget(name: "LabTests", dependencies: [library], path: "Tests/Lab", swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
