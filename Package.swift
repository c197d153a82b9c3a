// swift-tools-version: 6.1
import PackageDescription

/// Imports are facts of one file, existential types are visible, members come from modules that the file names.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// What a release build does without: the checks of exclusive access that only run time could fail (every debug build, and
/// so every test, has them; they cost 3 % of a download), and the shared libraries of Swift, which each process of the pool
/// would load and relocate anew.
let lean: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]
let leanLinking: [LinkerSetting] = [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]
/// What the command line's parser needs besides, which the linker does not find by itself.
let foundation: [LinkerSetting] = [
    .unsafeFlags(["-l_FoundationCollections", "-l_FoundationCShims"], .when(configuration: .release))
]

/// A Swift module that lives in a folder below `Sources/Shared`; the folder is its floor (docs/architecture.md).
func shared(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Shared/\(name)", swiftSettings: strict + lean)
}

func program(
    _ name: String, _ dependencies: [Target.Dependency], linkerSettings: [LinkerSetting] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: ["BitTorrent", "PoolProtocol", "PoolRuntime"] + dependencies,
        path: "Sources/\(name)", swiftSettings: strict + lean, linkerSettings: leanLinking + linkerSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: ["TestSupport"] + dependencies,
        path: "Tests/\(name)", exclude: exclude, swiftSettings: strict)
}

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

/// What libFuzzer gets to see (`scripts/fuzz`): the pure modules, the supervisor's rooms that hear strangers, and a program
/// around them. It is a package of its own, since every module in it is compiled anew and for nothing else.
let fuzzer: [Target] = [
    .target(name: "CSHA1", path: "Sources/Shared/CSHA1"),
    shared("BitTorrent", ["CSHA1"]),
    shared("PoolProtocol", ["BitTorrent"]),
    .target(
        name: "Supervisor", dependencies: ["BitTorrent", "PoolProtocol"], path: "Sources/Supervisor",
        sources: [
            "Control/ControlRequest.swift", "Control/ControlSession.swift", "Control/MetricsSession.swift",
            "Control/StreamSession.swift", "Control/ThingName.swift", "Status/JSONValue.swift",
        ], swiftSettings: strict),
    .target(
        name: "TestSupport", dependencies: ["BitTorrent", "PoolProtocol"], path: "Tests/TestSupport",
        swiftSettings: strict),
    .target(
        name: "Fuzzing", dependencies: ["BitTorrent", "PoolProtocol", "Supervisor", "TestSupport"],
        path: "Tests/FuzzingTests/Targets", swiftSettings: strict),
    .executableTarget(name: "Fuzzer", dependencies: ["Fuzzing"], path: "Tests/Fuzzer", swiftSettings: strict),
]

let package = Package(
    name: "swarmkeeper",
    products: [
        .executable(name: "supervisor", targets: ["Supervisor"]),
        .executable(name: "peer-worker", targets: ["PeerWorker"]),
        .executable(name: "hash-worker", targets: ["HashWorker"]),
        .executable(name: "writer", targets: ["Writer"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .target(name: "CSHA1", path: "Sources/Shared/CSHA1"),
        .target(name: "CLinux", path: "Sources/Shared/CLinux"),
        .systemLibrary(name: "CZeroMQ", path: "Sources/Shared/CZeroMQ"),
        .systemLibrary(name: "CCurl", path: "Sources/Shared/CCurl"),
        .systemLibrary(name: "CSeccomp", path: "Sources/Shared/CSeccomp"),
        shared("BitTorrent", ["CSHA1"]),
        shared("PoolProtocol", ["BitTorrent"]),
        shared("PoolRuntime", ["BitTorrent", "PoolProtocol", "CLinux", "CZeroMQ", "CSeccomp", systemPackage, logging]),
        .target(
            name: "SelfTest", dependencies: ["BitTorrent", "PoolProtocol", "PoolRuntime", "CLinux", logging],
            path: "Sources/Shared/SelfTest", swiftSettings: strict + lean),
        program("Supervisor", ["CLinux", "CCurl", argumentParser, logging, systemPackage], linkerSettings: foundation),
        program("PeerWorker", ["SelfTest", "CLinux", logging, systemPackage]),
        program("HashWorker", ["SelfTest", "CLinux", logging, systemPackage]),
        program("Writer", ["SelfTest", "CLinux", logging, systemPackage]),
        .target(
            name: "TestSupport", dependencies: ["BitTorrent", "PoolProtocol"],
            path: "Tests/TestSupport", swiftSettings: strict),
        tests("FuzzingTests", ["BitTorrent", "PoolProtocol", "Supervisor"], exclude: ["Found"]),
        tests("BitTorrentTests", ["BitTorrent", "CSHA1"]),
        tests("PoolProtocolTests", ["PoolProtocol", "BitTorrent"]),
        tests("PoolRuntimeTests", ["PoolRuntime", "PoolProtocol", "BitTorrent", "CLinux", systemPackage]),
        tests("SupervisorTests", ["Supervisor", "PoolRuntime", "PoolProtocol", "BitTorrent", "CLinux", logging]),
        tests(
            "PeerWorkerTests",
            ["PeerWorker", "PoolProtocol", "PoolRuntime", "BitTorrent", "CLinux", logging]),
        tests("HashWorkerTests", ["HashWorker", "PoolRuntime", "PoolProtocol", "BitTorrent"]),
        tests("WriterTests", ["Writer", "PoolRuntime", "PoolProtocol", "BitTorrent", "CLinux"]),
        tests(
            "SwarmSimulationTests",
            [
                "Supervisor", "PeerWorker", "HashWorker", "Writer", "PoolProtocol", "PoolRuntime", "BitTorrent",
                "CLinux",
                logging,
            ]),
        tests("EndToEndTests", ["BitTorrent", "PoolProtocol"], exclude: ["Tools"]),
    ]
)

/// Counted by scripts/bench-micro alone, and no part of anybody else's build.
if Context.environment["SWARMKEEPER_MICRO"] == "1" {
    package.targets += [
        .target(name: "CMicro", path: "Benchmarks/CMicro"),
        .executableTarget(
            name: "Micro", dependencies: ["CMicro", "BitTorrent", "PoolProtocol", "TestSupport"],
            path: "Benchmarks/Micro", swiftSettings: strict + lean, linkerSettings: leanLinking),
    ]
}

if Context.environment["SWARMKEEPER_FUZZ"] == "1" {
    package.products = []
    package.targets = fuzzer
}
