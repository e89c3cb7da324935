internal import CRocksDB
internal import Streaming

/// Throws what a C call says went wrong while the file was written.
func check(_ failure: OpaquePointer?, writing path: String) throws(StoreError) {
    guard let failure else { return }
    defer { nt_failure_free(failure) }
    let text = String(cString: nt_failure_text(failure))
    switch nt_failure_kind(failure) {
    case Int32(NT_FAILURE_FULL): throw .full("there is no room to write \(path) (\(text))")
    case Int32(NT_FAILURE_DAMAGED): throw .damaged("\(DamagedFile.path(in: text, folder: path)) is damaged (\(text))")
    default: throw .failed("\(path) cannot be written (\(text))")
    }
}

/// Throws what a C call says went wrong while the store in the folder was read. What cannot be understood or is not there is damage, since
/// it was there and could be understood when it was written.
func check(_ failure: OpaquePointer?, reading folder: String) throws(StoreError) {
    guard let failure else { return }
    defer { nt_failure_free(failure) }
    let text = String(cString: nt_failure_text(failure))
    switch nt_failure_kind(failure) {
    case Int32(NT_FAILURE_FULL): throw .full("there is no room to open \(folder) (\(text))")
    case Int32(NT_FAILURE_IN_USE): throw .inUse("another process uses the state folder \(folder)")
    case Int32(NT_FAILURE_MISSING): throw .damaged("\(DamagedFile.path(in: text, folder: folder)) is missing (\(text))")
    case Int32(NT_FAILURE_DAMAGED), Int32(NT_FAILURE_REFUSED):
        throw .damaged("\(DamagedFile.path(in: text, folder: folder)) is damaged (\(text))")
    default:
        // A file that is not there reaches us as a plain I/O error from some of RocksDB's calls.
        if text.hasSuffix("No such file or directory") || text.contains("No such file or directory: ") {
            throw .damaged("\(DamagedFile.path(in: text, folder: folder)) is missing (\(text))")
        }
        throw .failed("\(folder) cannot be read (\(text))")
    }
}

/// Finds the file that a message of RocksDB is about.
enum DamagedFile {
    /// Where the message names none, it is about the list of files, which `CURRENT` names.
    static func path(in text: String, folder: String) -> String {
        let bytes = Array(text.utf8)
        // RocksDB looks for the name of old versions, `.ldb`, last, and tells of that.
        for (ending, meant) in [(".sst", ".sst"), (".ldb", ".sst"), (".log", ".log")] {
            if let place = find(Array(ending.utf8), in: bytes) {
                let digits = bytes[..<place].reversed().prefix(while: { isDigit($0) }).reversed()
                if !digits.isEmpty { return folder + "/" + String(decoding: digits, as: UTF8.self) + meant }
            }
        }
        if let place = find(Array("MANIFEST-".utf8), in: bytes) {
            let digits = bytes[(place + 9)...].prefix(while: { isDigit($0) })
            return folder + "/MANIFEST-" + String(decoding: digits, as: UTF8.self)
        }
        if find(Array("CURRENT".utf8), in: bytes) != nil { return folder + "/CURRENT" }
        return manifest(of: folder)
    }

    /// The list of files that is in force.
    static func manifest(of folder: String) -> String {
        guard let content = try? Disk.content(of: folder + "/CURRENT", countMax: 4096), content.last == 10 else { return folder + "/CURRENT" }
        return folder + "/" + String(decoding: content.dropLast(), as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

    private static func find(_ word: [UInt8], in text: [UInt8]) -> Int? {
        guard text.count >= word.count else { return nil }
        return (0...text.count - word.count).last { text[$0..<$0 + word.count].elementsEqual(word) }
    }
}
