// swift-tools-version: 6.1
import PackageDescription

// Fuzz targets, in a package of their own: libFuzzer brings its own `main` and wants all of the code instrumented, which the product must
// never be. `Sources` holds links to the product's targets. `.ci/fuzz SECONDS` builds and runs them.
let swiftFlags: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer,address"])]
let cFlags = ["-fsanitize=fuzzer-no-link,address"]
let linkFlags: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer,address"])]
let fuzzFlags: [SwiftSetting] = [.unsafeFlags(["-parse-as-library", "-sanitize=fuzzer,address"])]

let package = Package(
    name: "fuzz",
    targets: [
        .target(name: "Diagnostics", swiftSettings: swiftFlags),
        .target(name: "Events", swiftSettings: swiftFlags),
        .target(name: "RuleLanguage", dependencies: ["Diagnostics", "Events"], swiftSettings: swiftFlags),
        .target(name: "CXXHash", cSettings: [.unsafeFlags(cFlags)]),
        .target(name: "CPCRE2", cSettings: [.unsafeFlags(cFlags)], linkerSettings: [.linkedLibrary("pcre2-8")]),
        .target(name: "Engine", dependencies: ["Events", "CXXHash", "CPCRE2"], swiftSettings: swiftFlags),
        .target(name: "RuleCompiler", dependencies: ["RuleLanguage", "Engine"], swiftSettings: swiftFlags),
        .target(name: "CSimdjson", cxxSettings: [.unsafeFlags(cFlags)], linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "Decoding", dependencies: ["Events", "CSimdjson"], swiftSettings: swiftFlags),
        .executableTarget(
            name: "FuzzRules", dependencies: ["RuleCompiler", "RuleLanguage", "Diagnostics"], path: "FuzzRules", swiftSettings: fuzzFlags,
            linkerSettings: linkFlags),
        .executableTarget(
            name: "FuzzBlocks", dependencies: ["Decoding", "Events"], path: "FuzzBlocks", swiftSettings: fuzzFlags, linkerSettings: linkFlags),
    ],
    cxxLanguageStandard: .cxx20
)
