import Foundation
import ReferenceMatcher
import Seeds

extension Volume {
    /// A source of seeds for a test, apart from those of all other tests.
    static func seeds(of test: UInt64) -> RandomSource {
        var mix = RandomSource(seed: baseSeed)
        return RandomSource(seed: mix.next() ^ test &* 0xD134_2543_DE82_EF95)
    }
}

/// The repository's files, found from the place of this very file.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func lines(_ path: String) throws -> [Substring] {
        try String(contentsOf: root.appending(path: path), encoding: .utf8).split(separator: "\n")
    }
}
