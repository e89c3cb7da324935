@testable import Connectors
import Foundation
@testable import Streaming
import Testing

/// Steps that silence has made outlive the process.
@Suite struct IdleLogTests {
    static func steps(_ range: Range<Int>) -> [IdleAdvance] {
        range.map { IdleAdvance(input: $0 % 3, line: UInt64($0 * 7), watermark: Int64($0) * 1000 - 5000) }
    }

    static func log(_ shell: Shell, isFresh: Bool = false) throws -> IdleLog { try IdleLog(shell.path("idle.log").path, isFresh: isFresh) }

    @Test func whatIsRecordedIsThereAgain() throws {
        let shell = try Shell()
        var log = try Self.log(shell, isFresh: true)
        #expect(log.recorded().isEmpty && log.end == 0)
        try log.append(Self.steps(0..<3))
        try log.append(Self.steps(3..<5))
        log = try Self.log(shell)
        #expect(log.recorded() == Self.steps(0..<5) && log.end == 5)
        try log.replace(with: Self.steps(2..<4))
        try log.append(Self.steps(8..<9))
        #expect(log.end == 8)
        log = try Self.log(shell)
        #expect(log.recorded() == Self.steps(2..<4) + Self.steps(8..<9) && log.end == 8)
        #expect(try Self.log(shell, isFresh: true).recorded().isEmpty)
        #expect(try Self.log(shell).recorded().isEmpty)
    }

    @Test func itIsTrimmedOnceItIsLong() throws {
        let shell = try Shell()
        let log = try Self.log(shell, isFresh: true)
        try log.append(Self.steps(0..<100))
        try log.forget(before: 60)
        #expect(log.recorded().count == 100)
        for round in 0..<30 {
            try log.append(Self.steps(0..<500))
            try log.forget(before: log.end - 3)
            #expect(log.recorded().suffix(3) == Self.steps(497..<500)[...])
            #expect(try Self.log(shell).recorded() == log.recorded() && Self.log(shell).end == UInt64(100 + 500 * (round + 1)))
            #expect(try Data(contentsOf: shell.path("idle.log")).count < IdleLog.trimBytes + 16_100)
        }
    }

    /// Every length cut: what is whole is there. Every byte flipped: an error that names the file, or the same steps.
    @Test func noDamageIsTakenInSilence() throws {
        let shell = try Shell()
        let path = shell.path("idle.log")
        #expect(throws: StoreError.damaged("\(path.path) is missing")) { try Self.log(shell) }
        try Self.log(shell, isFresh: true).append(Self.steps(0..<4))
        let whole = try Data(contentsOf: path)
        #expect(whole.count == 16 + 4 * 32)
        for length in 0..<whole.count {
            unlink(path.path)
            try whole.prefix(length).write(to: path)
            guard length >= 16 else {
                #expect(throws: StoreError.damaged("\(path.path) is damaged: it ends too early")) { try Self.log(shell) }
                continue
            }
            let log = try Self.log(shell)
            let kept = max(0, (length - 16) / 32)
            #expect(log.recorded() == Self.steps(0..<kept), "\(length)")
            try log.append(Self.steps(7..<8))
            #expect(try Self.log(shell).recorded() == Self.steps(0..<kept) + Self.steps(7..<8))
        }
        for place in whole.indices {
            for mask: UInt8 in [1, 0x80, 0x55] {
                var bytes = whole
                bytes[place] ^= mask
                unlink(path.path)
                try bytes.write(to: path)
                do {
                    let log = try Self.log(shell)
                    Issue.record("byte \(place): \(log.recorded())")
                } catch StoreError.damaged(let text) {
                    #expect(text.hasPrefix(path.path))
                }
            }
        }
        unlink(path.path)
        try (whole + Data(repeating: 0, count: 100)).write(to: path)
        #expect(try Self.log(shell).recorded() == Self.steps(0..<4))
        #expect(throws: StoreError.self) { try IdleLog("/dev/null/idle.log", isFresh: false) }
    }
}
