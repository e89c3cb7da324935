internal import Engine
internal import Events

/// The keys of a checkpoint's rows: a kind, and behind it what makes the order of bytes the order of hash, group and key.
enum RowKeys {
    /// State of a key: `K`, hash and group big-endian, the key's bytes. The value is the expiry, then the blob.
    static let state = StateRowKind.expiring
    /// A cooldown: `C`, rule big-endian, 1 for timeouts, the key's bytes. The value is when it ends, and how many it has suppressed.
    static let cooldown = UInt8(ascii: "C")

    /// When something of a key is due without an event: `D`, then as for its state; only of keys that have such a time. The value is that time.
    static let deadline = UInt8(ascii: "D")

    static let stateHeader = 13
    static let cooldownHeader = 6

    /// A row of kind ``state``; pointers are valid as long as those it was made of.
    struct State {
        var hash: UInt64
        var group: Int
        var key: UnsafeRawBufferPointer
        var expiresAt: Int64
        var blob: UnsafeRawBufferPointer
    }

    /// The row of a kind of a key.
    static func append(_ kind: UInt8, hash: UInt64, group: Int, key: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        appendHash(kind, hash, to: &bytes)
        withUnsafeBytes(of: UInt32(group).bigEndian) { bytes += $0 }
        bytes += key
    }

    static func stateValue(expiresAt: Int64, blob: UnsafeRawBufferPointer) -> [UInt8] {
        withUnsafeBytes(of: expiresAt.littleEndian) { Array($0) } + blob
    }

    /// - Throws: ``StoreError`` where the row is none.
    static func state(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StoreError) -> State {
        let (hash, group) = try hashAndGroup(key)
        guard value.count >= 8 else { throw Restoring.damage("the state of a key") }
        return State(
            hash: hash, group: group, key: UnsafeRawBufferPointer(rebasing: key[stateHeader...]), expiresAt: Int64(littleEndian: integer(value, at: 0)),
            blob: UnsafeRawBufferPointer(rebasing: value[8...]))
    }

    static func key(_ kind: UInt8, hash: UInt64, group: Int, key: UnsafeRawBufferPointer) -> [UInt8] {
        var bytes: [UInt8] = []
        append(kind, hash: hash, group: group, key: key, to: &bytes)
        return bytes
    }

    /// What the rows of a hash begin with.
    static func appendHash(_ kind: UInt8, _ hash: UInt64, to bytes: inout [UInt8]) {
        bytes.append(kind)
        withUnsafeBytes(of: hash.bigEndian) { bytes += $0 }
    }

    /// - Throws: ``StoreError`` where the key of a row is too short.
    static func hashAndGroup(_ key: UnsafeRawBufferPointer) throws(StoreError) -> (hash: UInt64, group: Int) {
        guard key.count >= stateHeader else { throw Restoring.damage("the state of a key") }
        return (UInt64(bigEndian: integer(key, at: 1)), Int(UInt32(bigEndian: integer(key, at: 9))))
    }

    static func cooldownKey(rule: Int, isTimeout: Bool, value: [UInt8]) -> [UInt8] {
        var bytes = [cooldown]
        withUnsafeBytes(of: UInt32(rule).bigEndian) { bytes += $0 }
        bytes.append(isTimeout ? 1 : 0)
        return bytes + value
    }

    /// - Throws: ``StoreError`` where the key is none of a cooldown.
    static func cooldown(_ key: UnsafeRawBufferPointer) throws(StoreError) -> AlertStage.Key {
        guard key.count >= cooldownHeader else { throw Restoring.damage("a cooldown") }
        return AlertStage.Key(
            rule: Int(UInt32(bigEndian: integer(key, at: 1))), isTimeout: key[5] == 1, value: Array(key[cooldownHeader...]))
    }

    static func integer<Number: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, at place: Int) -> Number {
        bytes.loadUnaligned(fromByteOffset: place, as: Number.self)
    }
}

extension StateStore {
    /// Hands out the rows of one kind, ascending, until `body` gives false.
    func scan(
        kind: UInt8, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let bounds: [UInt8] = [kind, kind + 1]
        let result: Result<Void, StoreError> = bounds.withUnsafeBytes { bounds in
            do throws(StoreError) {
                return .success(
                    try scan(from: UnsafeRawBufferPointer(rebasing: bounds[..<1]), to: UnsafeRawBufferPointer(rebasing: bounds[1...]), body))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}

extension CheckpointWriter {
    func put(part: Int, _ key: [UInt8], _ value: [UInt8]) throws(StoreError) {
        let result: Result<Void, StoreError> = key.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                do throws(StoreError) { return .success(try put(part: part, key: key, value: value)) } catch { return .failure(error) }
            }
        }
        try result.get()
    }

    func remove(part: Int, _ key: [UInt8]) throws(StoreError) {
        let result: Result<Void, StoreError> = key.withUnsafeBytes { key in
            do throws(StoreError) { return .success(try remove(part: part, key: key)) } catch { return .failure(error) }
        }
        try result.get()
    }
}

extension FieldPath {
    /// A text that no other path has.
    var identity: String {
        components.map { component in
            switch component {
            case .name(let name): "." + name.escaping("\\").escaping(".")
            case .index(let index): "[\(index)"
            }
        }.joined()
    }
}

extension String {
    /// With a backslash before each such character.
    fileprivate func escaping(_ character: Character) -> String {
        var result = ""
        for each in self {
            if each == character { result += "\\" }
            result.append(each)
        }
        return result
    }
}
