import Foundation

/// How much the tests of this target do, and where their random choices start from; `.ci/run-suites` sets both.
enum Volume {
    static let isSoak = ProcessInfo.processInfo.environment["NEEDLETAIL_VOLUME"] == "soak"

    /// `NEEDLETAIL_SEED`, hexadecimal; a run without it prints the one that it took.
    static let baseSeed: UInt64 = {
        let given = ProcessInfo.processInfo.environment["NEEDLETAIL_SEED"].flatMap { UInt64($0, radix: 16) }
        let seed = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
        print("StateStoresTests: NEEDLETAIL_SEED=\(String(seed, radix: 16))")
        return seed
    }()

    static func pick(test: Int, soak: Int) -> Int { isSoak ? soak : test }
}

/// The same choices for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ salt: UInt64) { state = Volume.baseSeed ^ salt &* 0xD134_2543_DE82_EF95 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A folder of its own for a test, in memory where the machine allows it; it goes with the last reference.
final class Folder: Sendable {
    let path: String

    init() {
        let memory = "/dev/shm"
        let base = FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
        path = base + "/needletail-store-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A path below, at which there is nothing yet.
    func place(_ name: String) -> String { path + "/" + name }
}

/// The files of a folder by name, and how to put them down elsewhere.
struct FolderImage {
    var files: [String: Data] = [:]

    init() {}

    init(of folder: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            if let data = FileManager.default.contents(atPath: folder + "/" + name) { files[name] = data }
        }
    }

    func write(to folder: String) {
        try? FileManager.default.removeItem(atPath: folder)
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, data) in files { try? data.write(to: URL(filePath: folder + "/" + name)) }
    }
}
