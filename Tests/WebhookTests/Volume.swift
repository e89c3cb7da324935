import Foundation

@testable import Connectors
import Streaming

/// How much the tests of this target do, and where their random choices start from; `.ci/run-suites` sets both.
enum Volume {
    static let isSoak = ProcessInfo.processInfo.environment["NEEDLETAIL_VOLUME"] == "soak"

    /// `NEEDLETAIL_SEED`, hexadecimal; a run without it prints the one that it took.
    static let baseSeed: UInt64 = {
        let given = ProcessInfo.processInfo.environment["NEEDLETAIL_SEED"].flatMap { UInt64($0, radix: 16) }
        let seed = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
        print("WebhookTests: NEEDLETAIL_SEED=\(String(seed, radix: 16))")
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

    /// A source that threads may share.
    static func shared(_ salt: UInt64) -> @Sendable () -> UInt64 {
        let cell = Cell(SeededGenerator(salt))
        return { cell.lock.locked { cell.value.next() } }
    }

    private final class Cell: @unchecked Sendable {
        let lock = Lock()
        var value: SeededGenerator
        init(_ value: SeededGenerator) { self.value = value }
    }
}

enum Files {
    static let webhooks = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/webhooks").path
}

/// Time that goes by `scale` times as fast as the machine's.
final class ScaledClock: Clock, @unchecked Sendable {
    let scale: Int64
    private let begun = SystemClock().monotonicMicroseconds
    private let wallBegun = SystemClock().wallMicroseconds

    init(scale: Int64) { self.scale = scale }

    var monotonicMicroseconds: Int64 { (SystemClock().monotonicMicroseconds - begun) * scale }
    var wallMicroseconds: Int64 { wallBegun + monotonicMicroseconds }
}

/// An alert that follows from its ordinal; `lanes` is how many keys there are.
func sampleAlert(_ ordinal: UInt64, lanes: UInt64 = 4, at time: Int64 = 0, bodyCount: Int = 40) -> OutboxAlert {
    OutboxAlert(
        ordinal: ordinal, id: "id\(ordinal)", rule: "rule\(ordinal % 2)", severity: "high", key: Array("key\(ordinal % lanes)".utf8),
        appendedMicroseconds: time, body: Array("{\"id\":\"id\(ordinal)\",\"text\":\"\(String(repeating: "x", count: bodyCount))\"}".utf8))
}
