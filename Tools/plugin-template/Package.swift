// swift-tools-version: 6.2
import PackageDescription

// A plugin of its own: `swift build` makes libMyFeaturePlugin.so, which Martlet loads at startup. Build it with the
// sources and the compiler of the Martlet that is to load it: any other refuses it.

let martlet = Context.environment["MARTLET_SOURCES"] ?? "MARTLET_SOURCES"

let library: Target.Dependency = .product(name: "Martlet", package: "Sources")

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "my-feature",
    products: [
        // Dynamic, and by this name: 'my-feature' in the section `plugins` finds it.
        .library(name: "MyFeaturePlugin", type: .dynamic, targets: ["MyFeature"])
    ],
    dependencies: [
        .package(path: martlet)
    ],
    targets: [
        .target(name: "MyFeature", dependencies: [library], swiftSettings: settings),
        .testTarget(name: "MyFeatureTests", dependencies: [library, "MyFeature"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
