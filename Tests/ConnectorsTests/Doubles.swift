import Diagnostics
import Foundation
import Replay
import RuleCompiler
import Seeds
@testable import Streaming

/// A clock that is turned by hand.
final class HandClock: Clock {
    var now: Int64 = 1_000_000_000_000

    var wallMicroseconds: Int64 { now }
    var monotonicMicroseconds: Int64 { now }
}

/// An input that hands out its bytes when it is told to, in pieces.
final class ScriptedSource: Source {
    enum Piece: Equatable {
        case text(String)
        case end
    }

    let name: String
    var pieces: [Piece] = []
    var isFailing = false

    init(_ name: String, _ pieces: [Piece] = []) {
        self.name = name
        self.pieces = pieces
    }

    func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        guard let piece = pieces.first else { return nil }
        guard case .text(let text) = piece else { return 0 }
        let bytes = Array(text.utf8)
        let count = min(room.count, bytes.count)
        room.copyBytes(from: bytes[..<count])
        pieces.removeFirst()
        if count < bytes.count { pieces.insert(.text(String(decoding: bytes[count...], as: UTF8.self)), at: 0) }
        return count
    }
}

/// Says of sources at random that they are ready, so that they are read in any order.
final class RandomSelector: SourceSelector {
    private var dice: SeededGenerator

    init(_ seed: UInt64) { dice = SeededGenerator(seed: seed) }

    func wait(for sources: [any Source], timeoutMicroseconds: Int64?) -> [Int] {
        let chosen = sources.indices.filter { _ in dice.below(2) == 0 }
        // Without a limit of time a wait never comes back with nothing.
        return chosen.isEmpty && timeoutMicroseconds == nil ? [dice.below(sources.count)] : chosen
    }
}

/// Time goes on only where nothing can be read: it is turned to what the wait was to last, or to the script's next step.
final class ScriptedSelector: SourceSelector {
    struct Step {
        /// By the clock, from the start of the run.
        var at: Int64
        var source: ScriptedSource
        var piece: ScriptedSource.Piece
    }

    private let clock: HandClock
    private let start: Int64
    private var steps: [Step]
    private let stop: StopFlag
    /// Every wait that did not end at once, from its begin to its end, in microseconds from the start.
    private(set) var waits: [Int64] = []

    /// After the last step the run is asked to stop once nothing else could happen.
    init(_ clock: HandClock, _ steps: [Step], stop: StopFlag) {
        self.clock = clock
        self.steps = steps
        self.stop = stop
        start = clock.now
    }

    func wait(for sources: [any Source], timeoutMicroseconds: Int64?) -> [Int] {
        func ready() -> [Int] { sources.indices.filter { !(sources[$0] as! ScriptedSource).pieces.isEmpty } }
        if !ready().isEmpty || timeoutMicroseconds == 0 { return ready() }
        let end = timeoutMicroseconds.map { clock.now + $0 }
        while let step = steps.first, end.map({ start + step.at <= $0 }) ?? true {
            clock.now = max(clock.now, start + step.at)
            step.source.pieces.append(step.piece)
            steps.removeFirst()
            if !ready().isEmpty { break }
        }
        if ready().isEmpty {
            if let end { clock.now = end } else { stop.set() }
        }
        waits.append(clock.now - start)
        return ready()
    }
}

func loaded(_ text: String) -> RuleSet? {
    var sink = DiagnosticSink()
    let rules = RuleSet.load([SourceFile(path: "r.rule", bytes: Array(text.utf8))], into: &sink)
    if rules == nil { print(sink.sorted()) }
    return rules
}

extension MemorySink {
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
