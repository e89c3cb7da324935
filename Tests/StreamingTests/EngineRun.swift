import Decoding
@testable import Engine
import Events
import ReferenceMatcher
@testable import Streaming

/// Lines of one run, of each input its own.
struct Stream {
    var inputs: [[UInt8]]

    init(_ events: [RandomEvent]) {
        inputs = [[UInt8]](repeating: [], count: (events.map(\.input).max() ?? 0) + 1)
        for event in events {
            inputs[event.input] += event.text.utf8
            inputs[event.input].append(UInt8(ascii: "\n"))
        }
    }

    init(lines: [String]) {
        self.init(lines.map { RandomEvent(input: 0, time: 0, text: $0) })
    }
}

/// How the bytes of a run come.
struct Feed {
    var pieces = [1 << 20]
    var blockBytes = 256 * 1024
    var workers = 1
    /// From how many bytes on the other workers are woken; what is read at once and is less goes through one thread.
    var parallelBytes = 32 * 1024
    /// How much of an input may wait for others before it is read no further.
    var aheadBytesMax = 64 << 20
    var seed: UInt64 = 0

    func options(drains: Bool, endMicroseconds: Int64? = nil) -> PipelineOptions {
        var options = PipelineOptions(
            drains: drains, endMicroseconds: endMicroseconds, aheadBytesMax: aheadBytesMax, blockBytes: blockBytes, workers: workers,
            seed: seed)
        options.parallelBytes = parallelBytes
        return options
    }
}

extension Feed {
    /// From one byte a read to all at once.
    init(from random: inout RandomSource) {
        switch random.below(4) {
        case 0: pieces = [1]
        case 1: pieces = (0..<5).map { _ in 1 + random.below(64) }
        case 2: pieces = (0..<5).map { _ in 1 + random.below(2000) }
        default: pieces = [256 * 1024]
        }
        blockBytes = random.pick([1, 2 + random.below(200), 4096, 256 * 1024])
        workers = random.pick([1, 1, 2, 3, 8])
        seed = random.next()
        // Out of the seed, since what is drawn after it would be another number.
        if seed % 4 == 0 { parallelBytes = 1 }
    }
}

extension Loaded {
    /// Bytes to alerts, the whole way.
    func throughPipeline(_ stream: Stream, _ feed: Feed, drains: Bool = true) throws(RunError) -> [UInt8] {
        let sink = MemorySink()
        let pipeline = Pipeline(
            program: program, inputs: inputs(stream, feed), alerts: [sink], options: feed.options(drains: drains))
        _ = try pipeline.run(stop: StopFlag())
        return sink.bytes
    }

    func inputs(_ stream: Stream, _ feed: Feed) -> [Input] {
        stream.inputs.enumerated().map { index, bytes in
            Input(
                source: MemorySource("input \(index)", bytes, pieces: feed.pieces), format: format,
                delayMicroseconds: self.stream.delayMicroseconds, aheadMicroseconds: self.stream.aheadMicroseconds)
        }
    }
}

/// The events of a stream as the matcher is given them, in the order of matching; what is late is not among them.
final class PreparedEvents {
    struct Event {
        var row: EventRow
        /// One for each group and key that the event concerns.
        var routed: [RoutedRow]
        var keys: RoutedRows
        /// What the row points into: it lives as long as the event does.
        var batch: EventBatch
    }

    private(set) var events: [Event] = []

    init(_ loaded: Loaded, _ stream: Stream) {
        let columns = loaded.program.columns
        for (index, bytes) in stream.inputs.enumerated() {
            let batch = EventBatch(columnCount: columns.count + 1)
            batch.reserveBytes(max(1, bytes.count))
            bytes.withUnsafeBufferPointer { buffer in
                if let base = buffer.baseAddress { batch.bytes.update(from: base, count: buffer.count) }
            }
            batch.byteCount = bytes.count
            let decoder = BlockDecoder(columns: columns + [FieldPath(name: "")], format: loaded.format, typeColumn: columns.count)
            var rejects: [Reject] = []
            decoder.decode(batch, firstLine: 1, isFirstBlock: true, rejects: &rejects)
            prepare(loaded, batch, input: index, typeColumn: columns.count)
        }
        events.sort { ($0.row.time, $0.row.arrival) < ($1.row.time, $1.row.arrival) }
    }

    private func prepare(_ loaded: Loaded, _ batch: EventBatch, input: Int, typeColumn: Int) {
        var excluded: [Bool] = []
        var watermark = Int64.min
        for row in 0..<batch.count {
            let time = batch.times[row]
            excluded.append(time < watermark)
            watermark = max(watermark, time - loaded.stream.delayMicroseconds)
        }
        excluded.append(false)
        let tester = EventTester(program: loaded.program)
        let view = BatchView(batch)
        excluded.withUnsafeBufferPointer { excluded in
            tester.test(view, count: batch.count, typeColumn: typeColumn, excluded: excluded.baseAddress)
        }
        // What is late was never tested.
        let routed = RoutedRows(shards: 1)
        KeyRouter(program: loaded.program, seed: 0).route(tester, of: batch, view: view, input: input, into: routed)
        var byRow: [UInt32: [RoutedRow]] = [:]
        for row in routed.shards[0] { byRow[row.row, default: []].append(row) }
        for (row, rows) in byRow {
            events.append(
                Event(
                    row: EventRow(view: view, row: Int(row), time: rows[0].time, arrival: rows[0].arrival, type: Int(rows[0].type)),
                    routed: rows, keys: routed, batch: batch))
        }
    }
}

/// Alerts of one run that came from several matchers one after another; written out as the pipeline does.
struct CollectedAlerts {
    private var alerts: [(alert: PendingAlert, bytes: [UInt8])] = []

    mutating func take(from matcher: Matcher) {
        let buffer = matcher.alerts
        let all = UnsafeBufferPointer(start: buffer.bytes.bytes, count: buffer.bytes.count)
        for alert in buffer.pending { alerts.append((alert, Array(all[alert.start..<alert.keyEnd]))) }
        buffer.removeAll()
    }

    func output(_ program: Program) -> [UInt8] {
        var stage = AlertStage(program)
        var output: [UInt8] = []
        let sorted = alerts.enumerated().sorted { left, right in
            left.element.alert.order < right.element.alert.order
                || !(right.element.alert.order < left.element.alert.order) && left.offset < right.offset
        }
        for (_, (alert, bytes)) in sorted {
            let keyStart = alert.end - alert.start
            let suppressed = bytes[keyStart...].withUnsafeBytes { stage.admit(alert, key: $0) }
            guard let suppressed else { continue }
            output += bytes[..<(alert.split - alert.start)]
            output += "\(suppressed)".utf8
            output += bytes[(alert.split - alert.start)..<keyStart]
            output.append(UInt8(ascii: "\n"))
        }
        return output
    }
}

/// A key's state as it is saved.
struct SavedKey: Equatable {
    var group: Int
    var bytes: [UInt8]
}

extension Matcher {
    func saved() -> [SavedKey] {
        var keys: [SavedKey] = []
        exportState { group, blob in keys.append(SavedKey(group: group, bytes: Array(blob))) }
        return keys
    }

    func load(_ keys: [SavedKey]) throws(BlobError) {
        for key in keys { try load(key) }
    }

    func load(_ key: SavedKey) throws(BlobError) {
        do {
            try key.bytes.withUnsafeBytes { try importState(group: key.group, $0) }
        } catch let error as BlobError {
            throw error
        } catch {
            fatalError("importState throws BlobErrors alone.")
        }
    }

    func process(_ event: PreparedEvents.Event) {
        defer { withExtendedLifetime((event.batch, event.keys)) {} }
        for var row in event.routed {
            let key = UnsafePointer(event.keys.keys.bytes) + Int(row.key)
            row.hash = hash(ofKey: key, Int(row.keyLength))
            process(event.row, routed: row, key: key, masks: UnsafePointer(event.keys.masks.start) + Int(row.firstMask))
        }
    }
}

extension Loaded {
    /// The matcher alone, whose state is saved and loaded into a new one between events.
    ///
    /// - Parameter percent: how probable that is after each event; 100 is after every one.
    func savingAndLoading(_ stream: Stream, percent: Int, random: inout RandomSource) throws -> [UInt8] {
        let prepared = PreparedEvents(self, stream)
        var matcher = Matcher(program: program, seed: random.next())
        var collected = CollectedAlerts()
        for event in prepared.events {
            matcher.watermark = event.row.time
            if random.chance(50) { matcher.fireDeadlines(upTo: event.row.time) }
            matcher.process(event)
            guard random.chance(percent) else { continue }
            collected.take(from: matcher)
            let next = Matcher(program: program, seed: random.next())
            next.watermark = event.row.time
            try next.load(matcher.saved())
            matcher = next
        }
        matcher.fireDeadlines(upTo: .max - 1)
        collected.take(from: matcher)
        return collected.output(program)
    }
}
