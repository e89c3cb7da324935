internal import CXXHash
internal import Events
internal import Glibc

/// How long alerts took from the write of the event that completed them to their own arrival, over pipes and at a fixed rate.
///
/// The events of a tenth of a millisecond are written at once, by the clock. An alert's time begins right before the write of its event's
/// batch. Where the program let the pipe fill and so held the writer up beyond the batch's time, it begins at the time when the batch was
/// due: a program that falls behind does not slow its own clock. The first tenth of the events only warms up.
struct Latency: Equatable, Sendable {
    enum Share {
        case p50, p99, p999, all
    }

    /// Nanoseconds.
    var p50: UInt64
    var p99: UInt64
    var p999: UInt64
    var maximum: UInt64

    static let eventsPerSecond = 200_000
    static let batchEvents = 20

    subscript(share: Share) -> UInt64 {
        switch share {
        case .p50: p50
        case .p99: p99
        case .p999: p999
        case .all: maximum
        }
    }

    /// Of values in any order; a share's value is the least that so many of them do not exceed. 0 of none.
    init(of values: [UInt64]) {
        let sorted = values.sorted()
        func least(_ thousandths: Int) -> UInt64 {
            sorted.isEmpty ? 0 : sorted[max(0, (sorted.count * thousandths + 999) / 1000 - 1)]
        }
        p50 = least(500)
        p99 = least(990)
        p999 = least(999)
        maximum = least(1000)
    }

    // MARK: - A run

    /// Runs the program between two pipes.
    ///
    /// - Throws: where it fails, or not every marked event gave one alert.
    static func run(
        _ program: String, _ words: [String], _ size: Size
    ) throws(BenchError) -> (cost: ProcessCost, latency: Latency, content: FileContent) {
        // A program that ends early breaks the pipe, which is told as an error of the write.
        Glibc.signal(SIGPIPE, SIG_IGN)
        let input = try FileHandle.pipe()
        let output = try FileHandle.pipe()
        let child = try ChildProcess(program, words, input: input.reading.descriptor, output: output.writing.descriptor)
        let reader = AlertReader(output.keepReading(), marks: size.events / MarkGenerator.eventsPerMark)
        let thread: BackgroundThread
        do throws(BenchError) {
            thread = try BackgroundThread { reader.run() }
        } catch {
            child.terminate()
            _ = try child.wait()
            throw error
        }
        do throws(BenchError) {
            try write(size, to: input.keepWriting(), reader)
        } catch {
            child.terminate()
            thread.join()
            // Where the program ended by itself, its status says more than the broken pipe.
            _ = try child.wait()
            throw error
        }
        thread.join()
        let cost = try child.wait()
        if let error = reader.error { throw error }
        let missing = reader.latencies.count { $0 == 0 }
        guard missing == 0 else { throw .failed("\(missing) of \(reader.latencies.count) marked events gave no alert") }
        let counted = reader.latencies.dropFirst(reader.latencies.count / 10)
        return (cost, Latency(of: Array(counted)), FileContent(lines: reader.lines, hash: reader.hash))
    }

    /// Writes all events, each batch when it is due.
    private static func write(_ size: Size, to pipe: consuming FileHandle, _ reader: AlertReader) throws(BenchError) {
        var generator = MarkGenerator(cards: size.keys)
        var buffer = ByteBuffer(capacity: 64 * 1024)
        let start = monotonicNanoseconds()
        var ended = start
        var made = 0
        while made < size.events {
            try Interrupt.check()
            buffer.removeAll()
            let first = made
            while made < min(size.events, first + batchEvents) {
                generator.append(to: &buffer)
                made += 1
            }
            let due = start + UInt64(first) * 1_000_000_000 / UInt64(eventsPerSecond)
            sleep(until: due)
            let began = ended > due ? due : monotonicNanoseconds()
            for mark in first / MarkGenerator.eventsPerMark..<made / MarkGenerator.eventsPerMark { reader.written[mark] = began }
            try pipe.write(buffer)
            ended = monotonicNanoseconds()
        }
    }

    private static func sleep(until nanoseconds: UInt64) {
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        // A signal ends it early, and is looked at before the next batch.
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil)
    }
}

/// Reads alerts as they come, on a thread of its own.
///
/// What it holds is the reading thread's until that is joined, but for ``written``: the writer sets a mark's time before it writes the
/// event, and the reader looks at it once the alert that came of this event is there, so two pipes and the program lie between the two.
private final class AlertReader: @unchecked Sendable {
    let written: UnsafeMutablePointer<UInt64>
    /// Nanoseconds, by mark; 0 where no alert has come.
    private(set) var latencies: [UInt64]
    private(set) var lines = 0
    private(set) var hash = ""
    private(set) var error: BenchError?
    private let pipe: FileHandle

    init(_ pipe: consuming FileHandle, marks: Int) {
        self.pipe = pipe
        written = .allocate(capacity: max(1, marks))
        written.initialize(repeating: 0, count: max(1, marks))
        latencies = [UInt64](repeating: 0, count: marks)
    }

    deinit { written.deallocate() }

    func run() {
        do throws(BenchError) {
            try readAll()
        } catch {
            self.error = error
            // The program must not wait for somebody to read on.
            while let count = try? pipe.read(into: room), count > 0 {}
        }
        room.deallocate()
    }

    private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)

    private func readAll() throws(BenchError) {
        var content = ContentHash()
        var filled = 0
        while true {
            guard filled < room.count else { throw .failed("an alert has more than \(room.count) bytes") }
            let count = try pipe.read(into: UnsafeMutableRawBufferPointer(rebasing: room[filled...]))
            let now = monotonicNanoseconds()
            if count == 0 { break }
            content.update(UnsafeRawBufferPointer(rebasing: room[filled..<filled + count]))
            filled += count
            var start = 0
            while let end = room[start..<filled].firstIndex(of: UInt8(ascii: "\n")) {
                try take(UnsafeRawBufferPointer(rebasing: room[start..<end]), at: now)
                start = end + 1
            }
            memmove(room.baseAddress!, room.baseAddress! + start, filled - start)
            filled -= start
        }
        lines = content.lines
        hash = content.hexadecimal
    }

    /// An alert: the first `"mark":` of its line is in the fields that the rule gives it.
    private func take(_ line: UnsafeRawBufferPointer, at now: UInt64) throws(BenchError) {
        let name: StaticString = "\"mark\":"
        let length = name.utf8CodeUnitCount
        let starts = 0..<max(0, line.count - length)
        guard let found = starts.first(where: { memcmp(line.baseAddress! + $0, name.utf8Start, length) == 0 }) else {
            throw .failed("an alert without a mark came")
        }
        var mark = 0
        for byte in line[(found + length)...] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), mark < latencies.count else { break }
            mark = mark * 10 + Int(byte - UInt8(ascii: "0"))
        }
        guard mark < latencies.count, latencies[mark] == 0, written[mark] != 0 else {
            throw .failed("an alert of mark \(mark) came that was not due")
        }
        // A clock that has not moved still tells an alert that came from one that did not.
        latencies[mark] = max(1, now - min(now, written[mark]))
    }
}
