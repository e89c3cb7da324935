// swift-tools-version: 6.1
import PackageDescription

// The folder tree is the pipeline; docs/ARCHITECTURE.md has the table of targets and what each may import, and
// Tests/ArchitectureTests holds the sources to it.
// Single-threaded hot paths: the run-time checks of exclusive access cost them a sixth (measured on `make bench`); the compiler's own checks stay.
let hotPath: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"])]

let package = Package(
    name: "needletail",
    targets: [
        // Front end: text to CheckedProgram.
        .target(name: "Diagnostics"),
        .target(name: "Events", swiftSettings: hotPath),
        .target(name: "RuleLanguage", dependencies: ["Diagnostics", "Events"]),

        // Engine: CheckedProgram to automata, and automata over keyed events.
        .target(name: "CXXHash"),
        .target(name: "CPCRE2", linkerSettings: [.linkedLibrary("pcre2-8")]),
        .target(name: "Engine", dependencies: ["Events", "CXXHash", "CPCRE2"], swiftSettings: hotPath),
        .target(name: "RuleCompiler", dependencies: ["RuleLanguage", "Engine"]),

        // Runtime: bytes to batches to alerts.
        .target(name: "CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "Decoding", dependencies: ["Events", "CSimdjson"]),
        .target(name: "Streaming", dependencies: ["Engine", "Events", "Decoding", "CXXHash"], swiftSettings: hotPath),
        .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CZstd", linkerSettings: [.linkedLibrary("zstd")]),
        .target(name: "CPipes"),
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("crypto")]),
        .target(name: "Connectors", dependencies: ["Streaming", "Decoding", "Events", "Diagnostics", "CPipes", "CZlib", "CZstd", "CCurl", "COpenSSL"]),
        .target(name: "CRocksDB", linkerSettings: [.linkedLibrary("rocksdb")]),
        .target(name: "StateStores", dependencies: ["Streaming", "CRocksDB", "CXXHash"]),
        .target(
            name: "Replay",
            dependencies: ["RuleCompiler", "Streaming", "Connectors", "RuleLanguage", "Engine", "Decoding", "Events", "Diagnostics"]),
        .executableTarget(
            name: "needletail",
            dependencies: [
                "Diagnostics", "Events", "RuleLanguage", "Engine", "RuleCompiler", "Decoding", "Streaming", "Connectors", "StateStores",
                "Replay",
            ]),

        // Tests and benchmarks only.
        .target(name: "ReferenceMatcher", dependencies: ["RuleLanguage", "Decoding", "Events"]),
        .target(name: "CMicrohttpd", linkerSettings: [.linkedLibrary("microhttpd")]),
        .executableTarget(name: "needletail-bench", dependencies: ["Events", "CXXHash", "CSimdjson", "CMicrohttpd"]),
        .target(name: "Seeds", dependencies: ["ReferenceMatcher"], path: "Tests/Seeds"),
        .testTarget(name: "BenchTests", dependencies: ["needletail-bench", "needletail", "Events", "CXXHash"]),
        .testTarget(name: "ReferenceTests", dependencies: ["ReferenceMatcher", "RuleLanguage", "Diagnostics", "Events"]),
        .testTarget(name: "DiagnosticsTests", dependencies: ["Diagnostics"]),
        .testTarget(
            name: "RuleLanguageTests", dependencies: ["RuleLanguage", "RuleCompiler", "ReferenceMatcher", "Diagnostics", "Events", "Seeds"]),
        .testTarget(name: "EventsTests", dependencies: ["Events"]),
        .testTarget(name: "DecodingTests", dependencies: ["Decoding", "Events", "CSimdjson", "Seeds"]),
        .testTarget(
            name: "ReplayTests",
            dependencies: ["Replay", "RuleCompiler", "RuleLanguage", "Streaming", "Decoding", "Engine", "Events", "Diagnostics", "Seeds"]),
        .testTarget(
            name: "ConnectorsTests",
            dependencies: [
                "Connectors", "Streaming", "Replay", "RuleCompiler", "RuleLanguage", "Decoding", "Engine", "Events", "Diagnostics", "Seeds",
            ]),
        .testTarget(name: "StateStoresTests", dependencies: ["StateStores", "Streaming", "Seeds"]),
        .target(name: "TLSServer", path: "Tests/TLSServer", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .testTarget(name: "WebhookTests", dependencies: ["Connectors", "CCurl", "StateStores", "Streaming", "TLSServer", "Seeds"]),
        .testTarget(name: "CommandTests", dependencies: ["needletail", "Decoding", "Seeds"]),
        .testTarget(name: "ArchitectureTests"),
        .testTarget(name: "EngineTests", dependencies: ["Engine", "Events"]),
        .testTarget(
            name: "StreamingTests",
            dependencies: [
                "Streaming", "StateStores", "Decoding", "Engine", "RuleCompiler", "RuleLanguage", "ReferenceMatcher", "Events",
                "Diagnostics", "AllocationCounter", "Seeds",
            ]),
        // Stands before the C library's allocator in the test program.
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    ],
    cxxLanguageStandard: .cxx20
)
