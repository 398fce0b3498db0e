// swift-tools-version: 6.3
import PackageDescription

/// The language every target is written in: Swift 6 mode, every warning an error.
let common: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]
/// Pure targets hold no I/O and no `unsafe`.
let pureSettings = common + [.strictMemorySafety()]

func library(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}
func pure(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: ["README.md"], swiftSettings: pureSettings)
}
func target(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, exclude: ["README.md"], swiftSettings: common)
}
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, exclude: ["README.md"], swiftSettings: common)
}
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: [.init(stringLiteral: name), "GatewayTestKit"] + dependencies,
        swiftSettings: common)
}

let package = Package(
    name: "hakaru",
    products: [
        .executable(name: "hakarud", targets: ["hakarud"]),
        .executable(name: "hakaru", targets: ["hakaru"]),
    ],
    targets: [
        // C libraries: module maps and header-only shims.
        library("CSystemd", pkgConfig: "libsystemd", apt: "libsystemd-dev"),
        library("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev"),
        library("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
        library("CMicrohttpd", pkgConfig: "libmicrohttpd", apt: "libmicrohttpd-dev"),
        library("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
        // Structures and numbers only: nothing of libbluetooth is called, so it is not linked.
        .systemLibrary(name: "CBluetooth", providers: [.apt(["libbluetooth-dev"])]),
        library("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev"),
        library("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        library("CUSB", pkgConfig: "libusb-1.0", apt: "libusb-1.0-0-dev"),
        .systemLibrary(name: "CLinux"),

        // Pure: values and rules.
        pure("Measurement"),
        pure("JSON"),
        target("Crypto", ["CCrypto"]),
        target("YAML", ["CYAML"]),
        target("DataFiles", []),
        pure("PersonalHealth", ["Measurement"]),
        pure("DeviceProfile", ["Measurement", "PersonalHealth", "YAML", "JSON", "Crypto"]),
        pure("DeviceLink", ["Measurement", "PersonalHealth", "DeviceProfile"]),
        pure("StationInput", ["DeviceProfile"]),
        pure("TapeLink", ["Measurement", "DeviceProfile", "DeviceLink", "JSON"]),
        pure("Registry", ["Measurement"]),
        pure("Register", ["Measurement", "YAML"]),
        pure("Exchange", ["Measurement", "JSON", "YAML"]),

        // The outside world.
        target("EventLoop", ["CSystemd", "CLinux"]),
        target(
            "BluetoothLink",
            ["CBluetooth", "CSystemd", "EventLoop", "Measurement", "DeviceProfile", "DeviceLink"]),
        target(
            "USBLink",
            [
                "CUSB", "CLinux", "EventLoop", "Measurement", "DeviceProfile", "DeviceLink",
                "StationInput",
            ]),
        target("Spool", ["CSQLite", "CLinux", "Crypto", "EventLoop", "Measurement", "JSON"]),
        target(
            "Uplink", ["CCurl", "CZlib", "EventLoop", "Measurement", "Exchange", "Crypto", "JSON"]),
        target("Status", ["CMicrohttpd", "CLinux", "EventLoop", "JSON"]),
        target(
            "Gateway",
            [
                "CSystemd", "CLinux", "Crypto", "DataFiles", "EventLoop", "YAML", "JSON",
                "Measurement", "DeviceProfile", "DeviceLink", "TapeLink", "BluetoothLink",
                "Registry", "Register", "Spool", "StationInput", "Exchange", "Uplink", "Status",
                "USBLink",
            ]),
        program("hakarud", ["Gateway"]),
        program(
            "hakaru",
            [
                "CCurl", "CLinux", "DataFiles", "JSON", "Measurement", "Register", "YAML", "Crypto",
                "DeviceProfile", "DeviceLink", "Spool", "TapeLink",
            ]),

        // Tests.
        tests("Registry", ["Measurement"]),
        tests("Register", ["DataFiles", "Measurement", "YAML"]),
        .target(
            name: "GatewayTestKit", dependencies: ["CLinux", "EventLoop"],
            path: "Tests/GatewayTestKit", swiftSettings: common),
        .executableTarget(
            name: "LoopProbe", dependencies: ["EventLoop"], path: "Tests/LoopProbe",
            swiftSettings: common),
        tests("EventLoop", ["CLinux", "LoopProbe"]),
        tests(
            "BluetoothLink",
            [
                "DeviceLink", "DeviceProfile", "EventLoop", "JSON", "Measurement", "YAML", "hakaru",
                "hakarud",
            ]),
        tests(
            "USBLink",
            [
                "DataFiles", "EventLoop", "Measurement", "YAML", "DeviceProfile", "DeviceLink",
                "StationInput",
            ]),
        tests("StationInput", ["DataFiles", "DeviceProfile", "TapeLink"]),
        tests("YAML", []),
        .testTarget(
            name: "HakaruTests",
            dependencies: [
                "hakaru", "DataFiles", "EventLoop", "GatewayTestKit", "JSON", "Measurement",
                "Status",
            ],
            swiftSettings: common),
        tests("Status", ["EventLoop", "CLinux"]),
        tests(
            "Gateway",
            [
                "BluetoothLink", "DataFiles", "DeviceLink", "DeviceProfile", "EventLoop", "JSON",
                "Measurement", "Register", "Registry", "Spool", "StationInput", "USBLink", "Uplink",
                "YAML",
            ]),
        tests("Measurement", []),
        tests("Crypto", []),
        tests(
            "DeviceProfile",
            ["Measurement", "YAML", "JSON", "DataFiles", "DeviceLink", "TapeLink", "hakaru"]),
        tests("JSON", []),
        tests("PersonalHealth", ["Measurement"]),
        .executableTarget(
            name: "SpoolTorture", dependencies: ["Spool", "Measurement"],
            path: "Tests/SpoolTorture", swiftSettings: common),
        // Not shipped: what scripts/bench store and uplink measure, and the bare loops beside it.
        .executableTarget(
            name: "StoreBench", dependencies: ["Spool", "Measurement"], path: "Tests/StoreBench",
            swiftSettings: common),
        .executableTarget(
            name: "StorePeer", path: "Tests/StorePeer",
            linkerSettings: [.linkedLibrary("sqlite3"), .linkedLibrary("curl")]),
        // Not shipped: what scripts/bench decode measures, with every allocation counted.
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        .executableTarget(
            name: "DecodeBench",
            dependencies: [
                "AllocationCounter", "BluetoothLink", "DataFiles", "DeviceLink", "DeviceProfile",
                "GatewayTestKit", "JSON", "Measurement",
            ], path: "Tests/DecodeBench", swiftSettings: common),
        .executableTarget(
            name: "EncodeBench",
            dependencies: [
                "AllocationCounter", "DataFiles", "Exchange", "JSON", "Measurement", "YAML",
            ], path: "Tests/EncodeBench", swiftSettings: common),
        tests("DeviceLink", ["DeviceProfile", "Measurement", "PersonalHealth", "YAML"]),
        .executableTarget(
            name: "CableBench",
            dependencies: ["DataFiles", "DeviceProfile", "JSON", "Measurement"],
            path: "Tests/CableBench", swiftSettings: common),
        tests(
            "TapeLink", ["DataFiles", "DeviceLink", "DeviceProfile", "JSON", "Measurement", "YAML"]),
        tests(
            "Spool",
            ["CSQLite", "CLinux", "Crypto", "EventLoop", "JSON", "Measurement", "SpoolTorture"]),
        tests("Exchange", ["Measurement", "JSON", "YAML"]),
        tests("Uplink", ["EventLoop", "Exchange", "Measurement", "JSON", "YAML", "Spool"]),
    ]
)
