@testable import Engine
import Events
import ReferenceMatcher
import Seeds
import Testing

/// A checkpoint that is written row by row while events go on holds the state of its barrier, and nothing of what came after.
@Suite struct ChangeLogTests {
    /// The rows of committed checkpoints, by group and key.
    private typealias Rows = [Key: [UInt8]]

    private struct Key: Hashable {
        var group: Int
        var bytes: [UInt8]
    }

    private static func state(of matcher: Matcher) -> Rows {
        var rows: Rows = [:]
        matcher.exportState { group, bytes in
            let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 64)
            defer { memory.deallocate() }
            memory.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
            rows[Key(group: group, bytes: Array(Blob(memory).keyBytes))] = Array(bytes)
        }
        return rows
    }

    private struct Refused: Error {}

    /// A row that the disk does not take.
    private static func refuse(_ matcher: Matcher) {
        do {
            _ = try matcher.writeCheckpoint(rows: 1) { _ throws(Refused) in throw Refused() }
        } catch {}
    }

    private static func write(_ matcher: Matcher, into rows: inout Rows, _ last: inout (hash: UInt64, group: Int)?) -> Bool {
        matcher.writeCheckpoint(rows: 1) { row in
            if let last { #expect(row.hash > last.hash || (row.hash == last.hash && row.group >= last.group), "Rows ascend.") }
            last = (row.hash, row.group)
            rows[Key(group: row.group, bytes: Array(row.key))] = row.blob.map { Array($0) }
        }
    }

    @Test func rowsAreThoseOfTheBarrier() throws {
        var random = Volume.seeds(of: 80)
        var copied = 0, checkpoints = 0, failed = 0
        for _ in 0..<Volume.pick(test: 60, soak: 3_000) {
            let loaded = try Loaded(checked("""
                rule a { by k match a: A then b: B{2,} where v >= a.v then C within 400ms after match keep all limit 4 open }
                rule b { by k match a: A then not B within 60ms on timeout alert low }
                rule c { by v match A then C within 90ms }
                """))
            let lines = (0..<600).map { id in
                "{\"id\": \(id), \"type\": \"\(random.pick(["A", "A", "B", "C", "X"]))\", \"ts\": \(1000 + 2 * id), "
                    + "\"k\": \"key \(random.below(60))\", \"v\": \(random.below(20))}"
            }
            let prepared = PreparedEvents(loaded, Stream(lines: lines))
            let matcher = Matcher(program: loaded.program, seed: random.next())
            matcher.trackChanges()
            var committed: Rows = [:]
            var next: Rows?
            var expected: Rows = [:]
            var last: (hash: UInt64, group: Int)?
            for event in prepared.events {
                matcher.watermark = event.row.time
                matcher.fireDeadlines(upTo: event.row.time)
                matcher.process(event)
                matcher.alerts.removeAll()
                if next == nil, random.chance(10) {
                    expected = ChangeLogTests.state(of: matcher)
                    matcher.beginCheckpoint()
                    next = committed
                    last = nil
                }
                if next != nil, random.chance(3) {
                    ChangeLogTests.refuse(matcher)
                    matcher.endCheckpoint(isCommitted: false)
                    next = nil
                    failed += 1
                }
                guard var rows = next, random.chance(70) else { continue }
                let isDone = ChangeLogTests.write(matcher, into: &rows, &last)
                next = rows
                guard isDone else { continue }
                #expect(rows == expected)
                copied += matcher.changes?.frozen?.images.count ?? 0
                let isCommitted = random.chance(70)
                matcher.endCheckpoint(isCommitted: isCommitted)
                if isCommitted { committed = rows } else { failed += 1 }
                checkpoints += 1
                next = nil
                guard rows == expected else { return }
            }
        }
        print("\(checkpoints) checkpoints, \(failed) of them failed, \(copied) keys copied before they were changed")
        #expect(copied > checkpoints && failed > 10)
    }
}
