import Foundation
import Glibc
import Seeds

/// A run that is killed again and again, and started again each time, until it gets through.
struct KilledRun {
    enum Source: String, CaseIterable {
        case plain, gzip, zstd, two, followed, standardInput, pipe
    }

    let seed: UInt64
    let source: Source
    let workload: Workload
    let session: Session
    let drains: Bool
    private var chance: SeededGenerator
    private(set) var kills = 0
    private(set) var starts = 0
    private(set) var savepoints = 0
    /// What was done to it, for whoever reads of a failure.
    private(set) var story: [String] = []
    private let expected: Written
    /// Where savepoints were made, each beside a copy of what had been written.
    private var sides: [String] = []

    init(seed: UInt64, source: Source, workload: Workload, drains: Bool) throws {
        self.seed = seed
        self.source = source
        self.workload = workload
        self.drains = drains
        chance = SeededGenerator(seed: seed)
        session = try Session(["r.rule": workload.ruleText])
        let names = source == .two ? ["events0", "events1"] : ["events"]
        expected = try Undisturbed.run(workload, names: names, drains: drains)
        let contents = Undisturbed.contents(workload)
        if source == .pipe {
            guard mkfifo(session.folder.path + "/events", 0o644) == 0 else { throw RecoveryError(message: "no pipe: \(errno)") }
        } else if source != .followed {
            for (name, content) in zip(names, contents) { try session.write(name, content) }
        }
        let packing: String? = source == .gzip ? "gzip -1 -c events > events.gz" : source == .zstd ? "zstd -q -1 events -o events.zst" : nil
        if let packing, try session.run(packing).status != 0 { throw RecoveryError(message: packing) }
    }

    private var inputs: [String] {
        switch source {
        case .plain, .followed, .pipe: ["--input", "events"]
        case .gzip: ["--input", "events.gz"]
        case .zstd: ["--input", "events.zst"]
        case .two: ["--input", "left=events0", "--input", "right=events1"]
        case .standardInput: []
        }
    }

    private mutating func flags(state: String = "state") -> [String] {
        let every = chance.pick(["10ms", "10ms", "25ms", "70ms", "300ms", "1s"])
        var flags = ["run", "r.rule"] + inputs + ["--alerts", "alerts", "--late", "late", "--rejects", "rejects"]
        flags += ["--state", state, "--checkpoint-every", every, "--workers", String(chance.pick([1, 1, 2, 2, 3, 5]))]
        if chance.isOne(in: 4) { flags += ["--memory", "16M"] }
        if drains { flags += ["--drain"] }
        if source == .followed { flags += ["--follow"] }
        if source == .pipe, chance.isOne(in: 2) { flags += ["--journal"] }
        story.append(flags.drop { $0 != "--checkpoint-every" }.joined(separator: " "))
        return flags
    }

    private func start(_ flags: [String], in folder: String = ".") throws -> Child {
        try Child(
            flags, in: session.folder.appendingPathComponent(folder),
            input: source == .standardInput ? "events" : "/dev/null")
    }

    /// Kills, restarts and at last lets it come to its end. Gives what is wrong, if anything is.
    mutating func play(kills wanted: Int, quickest: Int, slowest: Int) throws -> String? {
        var writer: GrowingLog?
        if source == .followed || source == .pipe {
            writer = try GrowingLog(session.folder, Undisturbed.contents(workload)[0], seed: seed, isPipe: source == .pipe)
        }
        // Whatever was there before the first checkpoint is not part of the run.
        try session.write("alerts", "old\n")
        while kills < wanted {
            let flags = flags()
            let child = try start(flags)
            starts += 1
            // More often soon than late, so that starting is hit too.
            let most = quickest + chance.below(slowest - quickest + 1)
            let delay = chance.below(most + 1)
            try pass(milliseconds: delay, &writer)
            story.append("\(delay) ms")
            switch chance.below(10) {
            case 0:
                child.signal(SIGTERM)
                story.append("SIGTERM")
            case 1, 2:
                child.signal(SIGHUP)
                story.append("SIGHUP")
                try pass(milliseconds: chance.below(most + 1), &writer)
                child.signal(SIGKILL)
            case 3, 4:
                try makeSavepoint(beside: child, &writer)
                child.signal(SIGKILL)
            default: child.signal(SIGKILL)
            }
            kills += 1
            switch child.wait() {
            case .signalled(SIGKILL), .signalled(SIGHUP), .signalled(SIGTERM), .exited(143): break
            case .exited(3) where try story.last?.hasPrefix("savepoint") == true && session.read("errors").hasSuffix("stop it, or give another folder\n"):
                // The savepoint was made of a run that had not begun yet, which found the folder in use.
                break
            case .exited(0) where source != .followed && source != .pipe:
                // It has got through. More restarts change nothing any more.
                story.append("done")
            case let other: return try failure("a start ended with \(other)")
            }
            // A log grows and is rotated while nobody reads it, too.
            if chance.isOne(in: 2) { try pass(milliseconds: chance.below(20), &writer) }
        }
        let last = try start(flags())
        starts += 1
        if var rest = writer {
            try rest.writeAll(during: last)
            if source == .pipe {
                // Its end is the end of the input.
                rest.close(readBy: last)
                writer = nil
            } else {
                try awaitAll(last)
                last.signal(SIGTERM)
            }
            let ending = last.wait()
            guard ending == .exited(source == .pipe ? 0 : 143) else { return try failure("the last start ended with \(ending)") }
        } else {
            let ending = last.wait()
            guard ending == .exited(0) else { return try failure("the last start ended with \(ending)") }
        }
        if let difference = try Written(in: session.folder).difference(from: expected) { return try failure(difference) }
        return try playSides()
    }

    /// Time passes; a log that is followed grows meanwhile.
    private func pass(milliseconds: Int, _ writer: inout GrowingLog?) throws {
        guard writer != nil else {
            usleep(UInt32(milliseconds) * 1000)
            return
        }
        let end = Date().addingTimeInterval(Double(milliseconds) / 1000)
        repeat {
            try writer?.step()
            usleep(1000)
        } while Date() < end
    }

    /// What was read of a log that has ended to grow is done, once nothing more is to come.
    private func awaitAll(_ child: Child) throws {
        let end = Date().addingTimeInterval(30)
        func size(_ name: String) -> Int { (try? Data(contentsOf: session.folder.appendingPathComponent(name)).count) ?? 0 }
        while child.look() == nil, Date() < end {
            if size("alerts") >= expected.alerts.count, size("late") >= expected.late.joined(separator: "\n").utf8.count,
                size("rejects") >= expected.rejects.joined(separator: "\n").utf8.count
            {
                break
            }
            usleep(5_000)
        }
        // What is too much would come now.
        usleep(50_000)
    }

    // MARK: - Savepoints

    /// Asks for a savepoint while the run goes on, and puts aside what had been written by then.
    private mutating func makeSavepoint(beside child: Child, _ writer: inout GrowingLog?) throws {
        let name = "savepoint\(sides.count)"
        let asker = try Child(["savepoint", "state", name], in: session.folder, errors: "savepoint-errors")
        var ending: Child.Ending?
        for _ in 0..<4000 where ending == nil {
            try writer?.step()
            ending = asker.wait(milliseconds: 2)
            if child.look() != nil, ending == nil { ending = asker.wait() }
        }
        story.append("savepoint: \(ending.map { "\($0)" } ?? "none")")
        // A run that is just beginning or has just ended has none to give; one that is done is asked directly.
        guard ending == .exited(0) else { return }
        savepoints += 1
        guard source != .followed, source != .pipe, sides.count < 2 else { return }
        let side = session.folder.appendingPathComponent("side\(sides.count)")
        try FileManager.default.createDirectory(at: side, withIntermediateDirectories: true)
        for file in ["alerts", "late", "rejects", "r.rule"] {
            try FileManager.default.copyItem(at: session.folder.appendingPathComponent(file), to: side.appendingPathComponent(file))
        }
        for file in ["events", "events0", "events1", "events.gz", "events.zst"] where session.exists(file) {
            try FileManager.default.linkItem(at: session.folder.appendingPathComponent(file), to: side.appendingPathComponent(file))
        }
        sides.append(name)
    }

    /// Runs that begin from the savepoints come to the same end.
    private mutating func playSides() throws -> String? {
        for (index, name) in sides.enumerated() {
            let folder = "side\(index)"
            let child = try start(flags() + ["--from-savepoint", "../" + name], in: folder)
            let ending = child.wait()
            guard ending == .exited(0) else { return try failure("a run from \(name) ended with \(ending)") }
            let written = try Written(in: session.folder.appendingPathComponent(folder))
            if let difference = written.difference(from: expected) { return try failure("from \(name): \(difference)") }
        }
        return nil
    }

    private func failure(_ what: String) throws -> String {
        let errors = (try? session.read("errors")) ?? ""
        return """
            seed \(String(seed, radix: 16)), \(source), \(workload), drains \(drains): \(what)
            \(story.joined(separator: "\n"))
            \(errors.split(separator: "\n").suffix(12).joined(separator: "\n"))
            """
    }
}

/// A log that somebody writes to and rotates by renaming; or a pipe, which stays open while nobody reads it.
struct GrowingLog {
    private let folder: URL
    private let content: Data
    private let isPipe: Bool
    private var chance: SeededGenerator
    private var written = 0
    private var rotations = 0
    private var rotatedAt = Date.distantPast
    private var descriptor: Int32 = -1

    /// Two rotations may not come sooner after each other (docs/OPERATIONS.md, "Inputs").
    private static let rotationSeconds = 0.05
    private static let rotationsMax = 6

    init(_ folder: URL, _ content: Data, seed: UInt64, isPipe: Bool) throws {
        self.folder = folder
        self.content = content
        self.isPipe = isPipe
        chance = SeededGenerator(seed: seed ^ 0xF0110)
        // Open for both, so that what is in it does not go with its reader.
        if isPipe { descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) }
        if isPipe && descriptor < 0 { throw RecoveryError(message: "the pipe cannot be opened: \(errno)") }
    }

    private var path: String { folder.appendingPathComponent("events").path }

    private var isDone: Bool { written == content.count }

    /// Writes a little more, or rotates.
    mutating func step() throws {
        guard !isDone else { return }
        if isPipe { return try append(pipeCount()) }
        if rotations < Self.rotationsMax, written > content.count / (Self.rotationsMax + 2) * (rotations + 1),
            Date().timeIntervalSince(rotatedAt) > Self.rotationSeconds, hasCheckpoint
        {
            try rotate()
        }
        // It may end within a line.
        try append(min(content.count - written, 1 + chance.below(content.count / 150)))
    }

    /// Whole lines that a pipe takes at once or not at all.
    private mutating func pipeCount() -> Int {
        let room = content[written..<min(content.count, written + Int(PIPE_BUF))]
        return (room.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? content.count) - written
    }

    /// Before a run has begun, a file that is rotated away is none of its business.
    private var hasCheckpoint: Bool {
        ((try? Data(contentsOf: folder.appendingPathComponent("state/store/CHECKPOINT"))) ?? Data()).count > 100
    }

    /// Writes what is left.
    mutating func writeAll(during child: Child) throws {
        while !isDone, child.look() == nil {
            try step()
            usleep(isPipe ? 50 : 1_000)
        }
    }

    mutating func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Ends a pipe, whose reader would wait for ever if it opened it after that.
    mutating func close(readBy child: Child) {
        let folder = "/proc/\(child.pid)/fd/"
        for _ in 0..<5_000 where child.look() == nil {
            let links = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            if links.contains(where: { (try? FileManager.default.destinationOfSymbolicLink(atPath: folder + $0))?.hasSuffix("/events") ?? false }) { break }
            usleep(1_000)
        }
        close()
    }

    private mutating func append(_ count: Int) throws {
        if descriptor < 0 { descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) }
        let done = content[written..<written + count].withUnsafeBytes { write(descriptor, $0.baseAddress, count) }
        if done < 0, errno == EAGAIN { return }
        guard done == count else { throw RecoveryError(message: "\(path): wrote \(done) of \(count): \(errno)") }
        written += count
    }

    private mutating func rotate() throws {
        // A line is ended first.
        if let end = content[written...].firstIndex(of: UInt8(ascii: "\n")) { try append(end + 1 - written) }
        close()
        let manager = FileManager.default
        func place(_ name: String) -> URL { folder.appendingPathComponent(name) }
        for number in (0..<rotations).reversed() { try manager.moveItem(at: place("events.\(number + 1)"), to: place("events.\(number + 2)")) }
        try manager.moveItem(at: place("events"), to: place("events.1"))
        rotations += 1
        rotatedAt = Date()
    }
}
