import Foundation
import ReferenceMatcher
import RuleCompiler
import StateStores
@testable import Streaming
import Testing

/// What a bound on memory costs, and how soon a restart begins, with the store on disk. On a machine that does nothing else:
///
///     NEEDLETAIL_FIGURES=1 swift test -c release -Xswiftc -enable-testing --filter MemoryFigures
///
/// `NEEDLETAIL_FIGURE_KEYS` and `NEEDLETAIL_FIGURE_TOUCHES` set other numbers.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["NEEDLETAIL_FIGURES"] != nil)) struct MemoryFigures {
    private static func number(_ name: String, _ standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
    }

    /// Each key holds one captured event of 165 bytes, and every touch brings it another in its place.
    private static let rules = "rule r { by card match a: charge then b: refund within 30d alert low limit 1 open }"

    enum Touches {
        /// 90 of 100 to a tenth of the keys.
        case skewed
        case uniform
    }

    @Test func memoryOfATwentiethOfTheState() throws {
        let keys = MemoryFigures.number("NEEDLETAIL_FIGURE_KEYS", 5_000_000)
        let touches = MemoryFigures.number("NEEDLETAIL_FIGURE_TOUCHES", 3_000_000)
        let loaded = try Loaded(checked(MemoryFigures.rules))
        let folder = FigureFolder()
        let budget = 256 << 20
        var rates: [String: Double] = [:]
        for (name, budget) in [("bounded", budget), ("unlimited", nil)] as [(String, Int?)] {
            let path = folder.path + "/" + name
            let source = TouchSource(keys: keys, phases: [.load, .touch(.skewed, touches), .touch(.uniform, touches)])
            let run = try MemoryFigures.run(loaded, source, path: path, budget: budget)
            for (phase, seconds) in zip(["load", "skewed", "uniform"], run.seconds) {
                let count = phase == "load" ? keys : touches
                rates["\(name) \(phase)"] = Double(count) / seconds
            }
            print(
                "MemoryFigures: \(name): \(run.summary.keys) keys, \(run.summary.residentKeys) in memory, \(run.summary.stateBytes >> 20) MiB of state, "
                    + "\(run.summary.evictions) put out, \(run.summary.coldReads) read; load \(Int(rates["\(name) load"] ?? 0)), "
                    + "skewed \(Int(rates["\(name) skewed"] ?? 0)), uniform \(Int(rates["\(name) uniform"] ?? 0)) touches/s; at most "
                    + "\(run.peak >> 20) MiB counted, \(run.peakResident >> 20) MiB of the process; \(FigureFolder.size(of: path) / keys) bytes a key on disk")
            if budget != nil { #expect(run.peakResident < 400_000_000) }
        }
        let ratio = (rates["unlimited skewed"] ?? 0) / (rates["bounded skewed"] ?? 1)
        print("MemoryFigures: skewed \(ratio) times the unlimited run")
        #expect(ratio < 5)
        #expect(rates["bounded uniform"] ?? 0 >= 50_000)
    }

    @Test func restart() throws {
        let keys = MemoryFigures.number("NEEDLETAIL_FIGURE_KEYS", 1_000_000)
        let loaded = try Loaded(checked(MemoryFigures.rules))
        let folder = FigureFolder()
        let path = folder.path + "/state"
        _ = try MemoryFigures.run(loaded, TouchSource(keys: keys, phases: [.load]), path: path, budget: nil, drains: false)
        let size = FigureFolder.size(of: path)
        let begun = ContinuousClock.now
        let source = TouchSource(keys: keys, phases: [.load, .touch(.uniform, 1_000_000)])
        let run = try MemoryFigures.run(loaded, source, path: path, budget: nil, drains: false)
        let first = (run.firstProgress ?? begun) - begun
        print(
            "MemoryFigures: a restart with \(keys) keys: \(first) to the first events, all in memory after \((run.allRead ?? begun) - begun); "
                + "\(run.summary.coldReads) were read before; \(size / keys) bytes a key on disk")
        #expect(first < .seconds(1))
        #expect(size <= 300 * keys)
    }

    private static func run(
        _ loaded: Loaded, _ source: TouchSource, path: String, budget: Int?, drains: Bool = false
    ) throws -> FigureRun {
        let begun = ContinuousClock.now
        let store = try RocksStore(directory: path)
        let options = PipelineOptions(drains: drains, workers: 2, seed: 5)
        let pipeline = Pipeline(
            program: loaded.program, inputs: [Input(source: source, format: loaded.format)], alerts: [MemorySink()], clock: RealClock(),
            checkpoints: CheckpointOptions(store: store, everyMicroseconds: 10_000_000, fingerprints: loaded.fingerprints, memoryBytesMax: budget),
            options: options)
        var run = FigureRun()
        var last = begun
        var phase = 0
        var looks = 0
        run.summary = try pipeline.run(stop: StopFlag()) { summary in
            if run.firstProgress == nil { run.firstProgress = .now }
            run.peak = max(run.peak, pipeline.memoryBytes)
            looks += 1
            if looks % 64 == 0 { run.peakResident = max(run.peakResident, FigureRun.residentBytes) }
            if run.allRead == nil, !pipeline.hasUnread { run.allRead = .now }
            // Phases end when what was read of them is matched.
            while phase < source.ends.count, Int(summary.lines) + source.skipped >= source.ends[phase] {
                run.seconds.append(Double((ContinuousClock.now - last).components.attoseconds) / 1e18 + Double((ContinuousClock.now - last).components.seconds))
                last = .now
                phase += 1
            }
        }
        return run
    }
}

private struct FigureRun {
    var summary = RunSummary(rules: [])
    var seconds: [Double] = []
    var peak = 0
    var peakResident = 0
    var firstProgress: ContinuousClock.Instant?
    var allRead: ContinuousClock.Instant?

    static var residentBytes: Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
    }
}

private final class RealClock: Clock {
    var wallMicroseconds: Int64 { monotonicMicroseconds }
    var monotonicMicroseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

/// Makes lines of 165 bytes as they are read: first one for each key, then touches.
private final class TouchSource: ResumableSource {
    enum Phase {
        case load
        case touch(MemoryFigures.Touches, Int)
    }

    let name = "touches"
    private let keys: Int
    private let phases: [Phase]
    /// Lines up to the end of each phase.
    let ends: [Int]
    private(set) var skipped = 0
    private var line = 0
    private var pending: [UInt8] = []
    private var random = RandomSource(seed: 17)
    static let lineBytes = 166

    init(keys: Int, phases: [Phase]) {
        self.keys = keys
        self.phases = phases
        var ends: [Int] = []
        for phase in phases {
            switch phase {
            case .load: ends.append((ends.last ?? 0) + keys)
            case .touch(_, let count): ends.append((ends.last ?? 0) + count)
            }
        }
        self.ends = ends
    }

    func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        while pending.count < room.count, line < ends.last ?? 0 { appendLine() }
        let count = min(room.count, pending.count)
        pending.withUnsafeBytes { if count > 0 { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) } }
        pending.removeFirst(count)
        return count
    }

    private func appendLine() {
        let phase = ends.firstIndex { line < $0 } ?? 0
        let key: Int
        switch phases[phase] {
        case .load: key = line
        case .touch(.uniform, _): key = Int(random.next() % UInt64(keys))
        case .touch(.skewed, _):
            key = random.next() % 10 < 9 ? Int(random.next() % UInt64(keys / 10)) * 10 : Int(random.next() % UInt64(keys))
        }
        let start = pending.count
        pending += "{\"type\":\"charge\",\"ts\":".utf8
        append(1_767_225_600_000 + line / 100)
        pending += ",\"card\":\"4000-".utf8
        append(key)
        pending += "\",\"amount\":".utf8
        append(Int(random.next() % 100_000))
        pending += ",\"merchant\":\"m-".utf8
        append(Int(random.next() % 1_000_000))
        pending += "\",\"id\":\"".utf8
        append(Int(random.next() >> 1))
        pending += "\",\"note\":\"".utf8
        while pending.count - start < TouchSource.lineBytes - 3 { pending.append(UInt8(ascii: "a") + UInt8(pending.count % 7)) }
        pending += "\"}\n".utf8
        line += 1
    }

    private func append(_ number: Int) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { room in
            var rest = number
            var place = 24
            repeat {
                place -= 1
                room[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            pending += room[place...]
        }
    }

    func place(at position: UInt64) -> [UInt8] { [] }

    func resume(at position: UInt64, place: [UInt8]) throws(SourceError) {
        line = Int(position) / TouchSource.lineBytes
        skipped = line
    }

    func forget(before position: UInt64) {}
}

private final class FigureFolder {
    let path = NSTemporaryDirectory() + "/needletail-memory-" + UUID().uuidString

    init() { try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    static func size(of folder: String) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.reduce(0) { sum, name in
            sum + (((try? FileManager.default.attributesOfItem(atPath: folder + "/" + name))?[.size] as? Int) ?? 0)
        }
    }
}
