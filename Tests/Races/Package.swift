// swift-tools-version: 6.1
import PackageDescription

// Runs of the pipeline under the thread sanitizer, in a package of their own: all of the code is instrumented, which the product must never
// be. `Sources` holds links to the product's targets, `Races` links to what the tests of the pipeline share. `.ci/races COUNT` builds and
// runs it.
let hotPath: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked", "-enable-testing"])]

let package = Package(
    name: "races",
    targets: [
        .target(name: "Diagnostics"),
        .target(name: "Events", swiftSettings: hotPath),
        .target(name: "RuleLanguage", dependencies: ["Diagnostics", "Events"]),
        .target(name: "CXXHash"),
        .target(name: "CPCRE2", linkerSettings: [.linkedLibrary("pcre2-8")]),
        .target(name: "Engine", dependencies: ["Events", "CXXHash", "CPCRE2"], swiftSettings: hotPath),
        .target(name: "RuleCompiler", dependencies: ["RuleLanguage", "Engine"]),
        .target(name: "CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "Decoding", dependencies: ["Events", "CSimdjson"]),
        .target(name: "Streaming", dependencies: ["Engine", "Events", "Decoding", "CXXHash"], swiftSettings: hotPath),
        .target(name: "ReferenceMatcher", dependencies: ["RuleLanguage", "Decoding", "Events"]),
        .executableTarget(
            name: "Races",
            dependencies: [
                "Streaming", "Decoding", "Engine", "RuleCompiler", "RuleLanguage", "ReferenceMatcher", "Events", "Diagnostics",
            ], path: "Races"),
    ],
    cxxLanguageStandard: .cxx20
)
