internal import Engine
internal import Events

/// The keys of a checkpoint's rows: a kind, and behind it what makes the order of bytes the order of hash, group and key.
enum RowKeys {
    /// State of a key: `K`, hash and group big-endian, the key's bytes. The value is the expiry, then the blob.
    static let state = StateRowKind.expiring
    /// A cooldown: `C`, rule big-endian, 1 for timeouts, the key's bytes. Its value: ``cooldownValue(_:_:)``.
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

    static func stateValue(expiresAt: Int64, blob: UnsafeRawBufferPointer) -> [UInt8] {
        withUnsafeBytes(of: expiresAt.littleEndian) { Array($0) } + blob
    }

    /// - Throws: ``StoreError`` where the row is none.
    static func state(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StoreError) -> State {
        let (hash, group) = try hashAndGroup(key)
        guard value.count >= 8 else { throw damage("the state of a key") }
        return State(
            hash: hash, group: group, key: UnsafeRawBufferPointer(rebasing: key[stateHeader...]),
            expiresAt: Int64(littleEndian: integer(value, at: 0)), blob: UnsafeRawBufferPointer(rebasing: value[8...]))
    }

    /// The row of a kind of a key.
    static func append(_ kind: UInt8, hash: UInt64, group: Int, key: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        appendHash(kind, hash, to: &bytes)
        withUnsafeBytes(of: UInt32(group).bigEndian) { bytes += $0 }
        appendKey(key, to: &bytes)
    }

    /// The bytes of a key up to here stand in the row's own key. A longer one has a digest in their place, and stands in the value alone.
    private static let keyCountMax = 4_096
    /// What a digest begins with, and no key does.
    private static let digestMark: UInt8 = 0xFF

    private static func appendKey(_ key: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        guard key.count > keyCountMax else {
            bytes += key
            return
        }
        let digest = Fingerprint(of: Array(key))
        bytes.append(digestMark)
        withUnsafeBytes(of: digest.high.bigEndian) { bytes += $0 }
        withUnsafeBytes(of: digest.low.bigEndian) { bytes += $0 }
    }

    /// The bytes of the key whose state a row of kind ``state`` is; valid as long as the row.
    ///
    /// - Throws: ``StoreError`` where the row is none.
    static func key(ofState key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StoreError) -> UnsafeRawBufferPointer {
        guard key.count >= stateHeader, value.count >= 8 else { throw damage("the state of a key") }
        // A rule without `by` has an empty key.
        if key.count == stateHeader || key[stateHeader] != digestMark { return UnsafeRawBufferPointer(rebasing: key[stateHeader...]) }
        guard let whole = KeyDescription.key(ofBlob: UnsafeRawBufferPointer(rebasing: value[8...])) else { throw damage("the state of a key") }
        return whole
    }

    static func row(_ kind: UInt8, hash: UInt64, group: Int, key: UnsafeRawBufferPointer) -> [UInt8] {
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
        guard key.count >= stateHeader else { throw damage("the state of a key") }
        return (UInt64(bigEndian: integer(key, at: 1)), Int(UInt32(bigEndian: integer(key, at: 9))))
    }

    static func damage(_ what: String) -> StoreError { .damaged("\(what) in the checkpoint is not what was written") }

    static func cooldownKey(_ key: AlertStage.Key) -> [UInt8] {
        var bytes = [cooldown]
        withUnsafeBytes(of: UInt32(key.rule).bigEndian) { bytes += $0 }
        bytes.append(key.isTimeout ? 1 : 0)
        key.value.withUnsafeBytes { appendKey($0, to: &bytes) }
        return bytes
    }

    /// The value of a row of kind ``cooldown``: when it ends, how many it has suppressed, and the key where that is a digest.
    static func cooldownValue(_ key: AlertStage.Key, _ state: AlertStage.State) -> [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: state.until.littleEndian) { bytes += $0 }
        withUnsafeBytes(of: state.suppressed.littleEndian) { bytes += $0 }
        return key.value.count > keyCountMax ? bytes + key.value : bytes
    }

    /// - Throws: ``StoreError`` where the row is none of a cooldown.
    static func cooldown(
        _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) throws(StoreError) -> (key: AlertStage.Key, state: AlertStage.State) {
        guard key.count >= cooldownHeader, value.count >= 16 else { throw damage("a cooldown") }
        let isDigest = key.count > cooldownHeader && key[cooldownHeader] == digestMark
        guard isDigest || value.count == 16 else { throw damage("a cooldown") }
        return (
            AlertStage.Key(
                rule: Int(UInt32(bigEndian: integer(key, at: 1))), isTimeout: key[5] == 1,
                value: isDigest ? Array(value[16...]) : Array(key[cooldownHeader...])),
            AlertStage.State(until: Int64(littleEndian: integer(value, at: 0)), suppressed: UInt64(littleEndian: integer(value, at: 8)))
        )
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
