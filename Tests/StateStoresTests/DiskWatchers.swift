import Foundation
import Seeds

@testable import StateStores
import Streaming

/// Makes operations of the disk fail by their number.
final class FailingDisk: DiskWatcher {
    private let lock = Lock()
    private var count = 0
    private var failures: Range<Int>
    private let number: Int32
    private let reads: Bool

    /// How many failed.
    private(set) var failed = 0
    private(set) var last = ""

    /// - Parameter reads: whether operations that read count too.
    init(_ failures: Range<Int>, number: Int32, reads: Bool = false) {
        self.failures = failures
        self.number = number
        self.reads = reads
    }

    func before(_ operation: DiskOperation, path: String, other: String) -> Int32 {
        lock.locked {
            guard reads || operation != .read else { return 0 }
            // A disk that is full gives room, and does not ask for it, when a file goes.
            if number & 0xFFFF == ENOSPC, [.remove, .truncate, .syncFolder, .read].contains(operation) { return 0 }
            count += 1
            guard failures.contains(count) else { return 0 }
            failed += 1
            last = "\(operation) \(path) \(other)"
            return number
        }
    }

    func after(_: DiskOperation, path: String, other: String) {}

    /// From here on the operation with this number, counted from 1, fails.
    func fail(next: Int) { lock.locked { failures = count + next..<count + next + 1 } }

    func heal() { lock.locked { failures = 0..<0 } }
    var operations: Int { lock.locked { count } }
    var hits: (count: Int, last: String) { lock.locked { (failed, last) } }
}

/// Keeps what the folder would hold had the process or the machine stopped before each operation.
///
/// The model of a power cut: what a file has of its content is what it had at its last fsync; the rest is lost, or partly there. Names are what
/// they were at the last fsync of the folder, or a later state of them, in the order of the changes; the fsync of a file keeps its name too, as
/// the journals of ext4, XFS and Btrfs do.
final class CrashingDisk: DiskWatcher {
    struct Crash {
        var what: String
        var image: FolderImage
        /// The checkpoint that had been committed for sure.
        var acknowledged: UInt64
    }

    private let lock = Lock()
    private let folder: String
    private let loses: Bool
    private var random: SeededGenerator
    private var operations = 0
    private(set) var crashes: [Crash] = []
    var acknowledged: UInt64 = 0

    // The model of the power cut.
    private struct File {
        var durable = Data()
        /// Kept when the file is removed or hidden by another.
        var last: Data?
    }
    private var files: [File] = []
    private var names: [String: Int] = [:]
    private var durableNames: [String: Int] = [:]
    private var pending: [(inout [String: Int]) -> Void] = []

    /// - Parameter loses: also what was not fsynced is lost.
    init(folder: String, loses: Bool, salt: UInt64) {
        self.folder = folder
        self.loses = loses
        random = SeededGenerator(salt)
    }

    func before(_ operation: DiskOperation, path: String, other: String) -> Int32 {
        guard operation != .read else { return 0 }
        lock.locked {
            operations += 1
            let what = "before operation \(operations), \(operation) \(path) \(other)"
            if loses {
                for variant in 0..<3 { crashes.append(Crash(what: "\(what), variant \(variant)", image: cut(variant), acknowledged: acknowledged)) }
                if operation == .remove || operation == .rename { keepLast(operation == .remove ? path : other) }
            } else {
                let image = FolderImage(of: folder)
                if operation == .append { lastSize = image.files[name(path)]?.count ?? 0 }
                crashes.append(Crash(what: what, image: image, acknowledged: acknowledged))
            }
        }
        return 0
    }

    private var lastSize = 0

    func after(_ operation: DiskOperation, path: String, other: String) {
        guard operation != .read else { return }
        lock.locked {
            if loses { follow(operation, name(path), name(other), path) }
            // An append that got half way.
            if !loses, operation == .append {
                var image = FolderImage(of: folder)
                if let data = image.files[name(path)], data.count > lastSize {
                    image.files[name(path)] = data.prefix((lastSize + data.count) / 2)
                    crashes.append(Crash(what: "in operation \(operations), \(operation) \(path)", image: image, acknowledged: acknowledged))
                }
            }
        }
    }

    private func name(_ path: String) -> String {
        path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)).replacingOccurrences(of: "/", with: "") : ""
    }

    private func keepLast(_ path: String) {
        guard let file = names[name(path)] else { return }
        files[file].last = FileManager.default.contents(atPath: path)
    }

    private func change(_ body: @escaping (inout [String: Int]) -> Void) {
        body(&names)
        pending.append(body)
    }

    private func follow(_ operation: DiskOperation, _ name: String, _ other: String, _ path: String) {
        switch operation {
        case .create:
            files.append(File())
            let file = files.count - 1
            change { $0[name] = file }
        case .sync:
            guard let file = names[name] else { return }
            files[file].durable = FileManager.default.contents(atPath: path) ?? Data()
            durableNames[name] = file
        case .rename:
            guard let file = names[name] else { return }
            change {
                $0[name] = nil
                $0[other] = file
            }
        case .link:
            guard let file = names[name] else { return }
            change { $0[other] = file }
        case .remove: change { $0[name] = nil }
        case .syncFolder:
            if path == folder || path == folder + "/" {
                durableNames = names
                pending = []
            }
        case .append, .truncate, .makeFolder, .read: break
        }
    }

    private func cut(_ variant: Int) -> FolderImage {
        var kept = durableNames
        let applied = variant == 0 ? 0 : variant == 1 ? pending.count : Int.random(in: 0...pending.count, using: &random)
        for change in pending.prefix(applied) { change(&kept) }
        var image = FolderImage()
        for (name, file) in kept {
            let durable = files[file].durable
            guard variant == 2, let live = files[file].last ?? liveContent(file), live.count > durable.count else {
                image.files[name] = durable
                continue
            }
            var content = Data(live.prefix(Int.random(in: durable.count...live.count, using: &random)))
            // Pages come in any order: a hole in what was not fsynced.
            if content.count > durable.count, Bool.random(using: &random) {
                let from = Int.random(in: durable.count..<content.count, using: &random)
                let to = min(content.count, from + 512)
                content.replaceSubrange(from..<to, with: Data(repeating: 0, count: to - from))
            }
            image.files[name] = content
        }
        return image
    }

    private func liveContent(_ file: Int) -> Data? {
        guard let name = names.first(where: { $0.value == file })?.key else { return nil }
        return FileManager.default.contents(atPath: folder + "/" + name)
    }

    func acknowledge(_ number: Int) { lock.locked { acknowledged = UInt64(number) } }
    var all: [Crash] { lock.locked { crashes } }
}
