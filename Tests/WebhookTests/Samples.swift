import Foundation
import Seeds

@testable import Connectors
import Streaming

extension SeededGenerator {
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
