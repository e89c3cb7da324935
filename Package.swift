// swift-tools-version: 6.1
import PackageDescription

// The folder tree is the pipeline; docs/ARCHITECTURE.md has the table of targets and what each may import, and
// Tests/ArchitectureTests holds the sources to it.
let package = Package(
    name: "needletail",
    targets: [
        // Front end: text to CheckedProgram.
        .target(name: "Diagnostics"),
        .target(name: "Events"),
        .target(name: "RuleLanguage", dependencies: ["Diagnostics", "Events"]),

        // Engine: CheckedProgram to automata, and automata over keyed events.
        .target(name: "CXXHash"),
        .target(name: "CPCRE2", linkerSettings: [.linkedLibrary("pcre2-8")]),
        .target(name: "Engine", dependencies: ["Events", "CXXHash", "CPCRE2"]),
        .target(name: "RuleCompiler", dependencies: ["RuleLanguage", "Engine"]),

        // Runtime: bytes to batches to alerts.
        .target(name: "CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "Decoding", dependencies: ["Events", "CSimdjson"]),
        .target(name: "Streaming", dependencies: ["Engine", "Events", "Decoding"]),
        .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CZstd", linkerSettings: [.linkedLibrary("zstd")]),
        .target(name: "Connectors", dependencies: ["Streaming", "Events", "Diagnostics", "CZlib", "CZstd"]),
        .target(
            name: "Replay",
            dependencies: ["RuleCompiler", "Streaming", "Connectors", "RuleLanguage", "Engine", "Decoding", "Events", "Diagnostics"]),
        .executableTarget(
            name: "needletail",
            dependencies: [
                "Diagnostics", "Events", "RuleLanguage", "Engine", "RuleCompiler", "Decoding", "Streaming", "Connectors", "Replay",
            ]),

        // Tests and benchmarks only.
        .target(name: "ReferenceMatcher", dependencies: ["RuleLanguage", "Events"]),
        .testTarget(name: "ReferenceTests", dependencies: ["ReferenceMatcher", "RuleLanguage", "Diagnostics", "Events"]),
        .testTarget(name: "DiagnosticsTests", dependencies: ["Diagnostics"]),
        .testTarget(name: "RuleLanguageTests", dependencies: ["RuleLanguage", "Diagnostics", "Events"]),
        .testTarget(name: "EventsTests", dependencies: ["Events"]),
        .testTarget(name: "DecodingTests", dependencies: ["Decoding", "Events", "CSimdjson"]),
        .testTarget(
            name: "ReplayTests",
            dependencies: ["Replay", "RuleCompiler", "RuleLanguage", "Streaming", "Decoding", "Engine", "Events", "Diagnostics"]),
        .testTarget(
            name: "ConnectorsTests",
            dependencies: [
                "Connectors", "Streaming", "Replay", "RuleCompiler", "RuleLanguage", "Decoding", "Engine", "Events", "Diagnostics",
            ]),
        .testTarget(name: "CommandTests"),
        .testTarget(name: "ArchitectureTests"),
        .testTarget(name: "EngineTests", dependencies: ["Engine", "Events"]),
    ],
    cxxLanguageStandard: .cxx20
)
