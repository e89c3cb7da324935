import Foundation
import Seeds
import Testing

/// Whatever happens to the bytes of a state folder, the program goes on to the same alerts, or ends with status 3 and names the file.
@Suite struct DamagedFolderTests {
    /// What no byte of is read: RocksDB's own notes, and the number of the process that runs.
    private static func matters(_ path: String) -> Bool {
        let name = (path as NSString).lastPathComponent
        return !name.hasPrefix("LOG") && !name.hasPrefix("OPTIONS") && name != "IDENTITY" && name != "LOCK"
    }

    private struct Case: CustomStringConvertible {
        var file: String
        /// Nil: the file is gone.
        var content: Data?
        var description: String
    }

    private static let workload = Workload(seed: 21, lines: 600, keys: 40, ballast: 0)

    /// A folder after two runs over a file that has grown in between and has grown again since; a savepoint was made of it.
    private static func image() throws -> (run: SmallRecovery, files: [String: Data]) {
        let run = try SmallRecovery(workload)
        // Fed a little at a time, so that there are checkpoints in the middle.
        let content = Undisturbed.contents(workload)[0]
        func lines(upTo count: Int) -> Data { content[...(content[..<count].lastIndex(of: UInt8(ascii: "\n")) ?? 0)] }
        let half = lines(upTo: content.count / 2)
        // A link to what others read, too, is not written through.
        try FileManager.default.removeItem(at: run.session.folder.appendingPathComponent("events"))
        try run.session.write("events", lines(upTo: content.count / 4))
        guard try run.start(["--workers", "1"]).wait() == .exited(0) else { throw RecoveryError(message: try run.session.read("errors")) }
        try run.session.write("events", half)
        guard try run.start(["--workers", "2"]).wait() == .exited(0) else { throw RecoveryError(message: try run.session.read("errors")) }
        try run.session.write("events", content)
        guard try Child(["savepoint", "state", "savepoint"], in: run.session.folder).wait() == .exited(0) else {
            throw RecoveryError(message: try run.session.read("errors"))
        }
        var files: [String: Data] = [:]
        let state = run.session.folder.appendingPathComponent("state")
        let walk = FileManager.default.enumerator(atPath: state.path)
        while let name = walk?.nextObject() as? String {
            let place = state.appendingPathComponent(name)
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder), !isFolder.boolValue, matters(name) else { continue }
            files[name] = try Data(contentsOf: place)
        }
        return (run, files)
    }

    private static func tryAll(_ cases: [Case], _ run: SmallRecovery) throws -> (same: Int, refused: Int) {
        let same = Counter()
        let refused = Counter()
        let savepoint = run.session.folder.path + "/savepoint"
        let wrong = tryEach(cases) { one in
            let copy = try run.copied()
            let place = copy.session.folder.appendingPathComponent("state/" + one.file)
            // A link to a file of the savepoint is not written through.
            try FileManager.default.removeItem(at: place)
            if let content = one.content { try content.write(to: place) }
            try? FileManager.default.removeItem(at: copy.session.folder.appendingPathComponent("errors"))
            let ending = try copy.start(["--workers", "1"]).wait()
            let errors = try copy.session.read("errors")
            switch ending {
            case .exited(0):
                same.add()
                return try Written(in: copy.session.folder).difference(from: copy.expected).map { "accepted: \($0)" }
            case .exited(3):
                refused.add()
                if !errors.contains("state/"), !errors.contains("FORMAT") { return "no file is named: \(errors)" }
                // Its name stands in the folder.
                if one.file != "savepoint.last", !errors.contains("--from-savepoint \(savepoint)") { return "no savepoint is offered: \(errors)" }
                return nil
            default: return "ended with \(ending): \(errors)"
            }
        }
        #expect(wrong.isEmpty, "\(wrong.count) of \(cases.count), the first: \(wrong.prefix(4).joined(separator: "\n"))")
        return (same.count, refused.count)
    }

    @Test func everyByteFlipped() throws {
        let (run, files) = try Self.image()
        #expect(Set(["FORMAT", "store/CHECKPOINT", "store/CURRENT"]).isSubset(of: files.keys))
        let bytes = files.values.reduce(0) { $0 + $1.count }
        let most = Volume.pick(test: 260, soak: 12_000)
        let step = max(1, bytes / most)
        var chance = SeededGenerator(seed: Volume.baseSeed ^ 0xDA3A6E)
        var cases: [Case] = []
        for (name, content) in files.sorted(by: { $0.key < $1.key }) where !content.isEmpty {
            let isSmall = content.count < 40
            for place in stride(from: isSmall ? 0 : chance.below(min(step, content.count)), to: content.count, by: isSmall ? min(step, 5) : step) {
                var other = content
                let bit = chance.below(8)
                other[place] ^= 1 << UInt8(bit)
                cases.append(Case(file: name, content: other, description: "\(name), bit \(bit) of byte \(place) of \(content.count)"))
            }
        }
        let counts = try Self.tryAll(cases, run)
        print("flipped: \(cases.count) of \(bytes) bytes: \(counts.same) went on, \(counts.refused) refused")
        #expect(counts.refused > cases.count / 2)
    }

    @Test func everyLengthCut() throws {
        let (run, files) = try Self.image()
        let bytes = files.values.reduce(0) { $0 + $1.count }
        let step = max(1, bytes / Volume.pick(test: 130, soak: 6_000))
        var cases: [Case] = []
        for (name, content) in files.sorted(by: { $0.key < $1.key }) {
            cases.append(Case(file: name, content: nil, description: "\(name) is gone"))
            let lengths = Set(stride(from: 0, to: content.count, by: step)).union(content.isEmpty ? [] : [0, content.count - 1])
            for length in lengths.sorted() {
                cases.append(Case(file: name, content: content.prefix(length), description: "\(name), \(length) of \(content.count) bytes"))
            }
        }
        let counts = try Self.tryAll(cases, run)
        print("cut: \(cases.count): \(counts.same) went on, \(counts.refused) refused")
    }
}
