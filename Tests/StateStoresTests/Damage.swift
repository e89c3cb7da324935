import Foundation
import Seeds
import Streaming
import Testing

/// What may happen to the bytes of a folder, and what whoever reads it makes of that.
struct Damage {
    typealias Case = (what: String, image: FolderImage)

    enum Outcome: Equatable {
        case equal
        case damaged(String)
        case wrong(String)
    }

    let image: FolderImage
    /// Small files, all of whose places are tried in each run of the tests; of the others a share, and all in soak.
    let small: Set<String>
    /// One place of so many.
    let share: Int
    private var random: SeededGenerator

    init(_ image: FolderImage, small: Set<String>, share: Int, salt: UInt64) {
        self.image = image
        self.small = small
        self.share = share
        random = SeededGenerator(salt)
    }

    /// RocksDB's log, the settings that it notes down and the name that it gives itself play no part in what is read.
    static func matters(_ name: String) -> Bool {
        !name.hasPrefix("LOG") && !name.hasPrefix("OPTIONS") && name != "IDENTITY" && name != "LOCK"
    }

    private var files: [(name: String, data: Data)] {
        image.files.sorted { $0.key < $1.key }.filter { Self.matters($0.key) }.map { ($0.key, $0.value) }
    }

    private func with(_ name: String, _ data: Data?) -> FolderImage {
        var damaged = image
        damaged.files[name] = data
        return damaged
    }

    private mutating func isTried(_ name: String) -> Bool { small.contains(name) || Volume.isSoak || random.isOne(in: share) }

    /// A byte changed.
    mutating func flips() -> [Case] {
        var cases: [Case] = []
        for (name, data) in files {
            for place in 0..<data.count where isTried(name) {
                let masks: [UInt8] = Volume.isSoak ? [0xFF, 1 << UInt8(place % 8), 0x80] : [random.pick([0xFF, 1, 0x80, 0x10])]
                for mask in masks {
                    var flipped = data
                    flipped[flipped.startIndex + place] ^= mask
                    cases.append(("\(name), byte \(place) of \(data.count) xor \(mask)", with(name, flipped)))
                }
            }
        }
        return cases
    }

    /// A file that is shorter, longer, or has zeros at its end.
    mutating func cuts() -> [Case] {
        var cases: [Case] = []
        for (name, data) in files where !data.isEmpty {
            for count in 0..<data.count where isTried(name) {
                cases.append(("\(name) cut to \(count) of \(data.count)", with(name, data.prefix(count))))
            }
            for extra in [Data([0]), Data([10]), Data(repeating: 0, count: 600), data] {
                cases.append(("\(name) with \(extra.count) bytes after its \(data.count)", with(name, data + extra)))
            }
            // What a file system may leave: the length, but not the content.
            for from in [0, data.count / 2, data.count - 1] {
                let zeroed = data.prefix(from) + Data(repeating: 0, count: data.count - from)
                cases.append(("\(name) with zeros from \(from) of \(data.count)", with(name, zeroed)))
            }
        }
        return cases
    }

    /// A file that is missing, or has the content of another.
    func swaps() -> [Case] {
        let names = files.map(\.name)
        var cases: [Case] = []
        for name in names {
            cases.append(("without \(name)", with(name, nil)))
            for other in names where other > name {
                var swapped = image
                swapped.files[name] = image.files[other]
                cases.append(("\(other) in the place of \(name)", swapped))
                swapped.files[other] = image.files[name]
                cases.append(("\(name) and \(other) swapped", swapped))
            }
        }
        return cases
    }

    /// Tries each case in a folder of its own, on as many threads as there are processors; none may be accepted with another content.
    static func tryAll(_ cases: [Case], _ outcome: (String) -> Outcome) -> (equal: Int, damaged: Int) {
        let folder = Folder()
        let lock = Lock()
        nonisolated(unsafe) var counts = (equal: 0, damaged: 0)
        nonisolated(unsafe) var wrong: [String] = []
        nonisolated(unsafe) let shared = (cases: cases, outcome: outcome)
        DispatchQueue.concurrentPerform(iterations: cases.count) { place in
            let path = folder.place("folder-\(place)")
            shared.cases[place].image.write(to: path)
            let found = shared.outcome(path)
            lock.locked {
                switch found {
                case .equal: counts.equal += 1
                case .damaged: counts.damaged += 1
                case .wrong(let why): wrong.append("\(shared.cases[place].what): \(why)")
                }
            }
            try? FileManager.default.removeItem(atPath: path)
        }
        #expect(wrong.isEmpty, "\(wrong.count) accepted, the first: \(wrong.prefix(5))")
        return counts
    }
}
