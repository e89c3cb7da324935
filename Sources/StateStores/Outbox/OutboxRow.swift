internal import Streaming

// What stands in an outbox's database. Keys are a kind, an endpoint's number in 4 bytes and an ordinal in 8, both big-endian, so that the
// rows of an endpoint ascend by ordinal. Numbers in values are little-endian; a text is its count in 4 bytes and its UTF-8.
//
// | key | value |
// | --- | --- |
// | `R` endpoint ordinal | an alert on its way: Int64 when it was appended, `id`, rule, severity, key, and the body as the rest |
// | `M` endpoint ordinal | the mark of an alert that is delivered or dead: its `id`, as the rest |
// | `D` endpoint ordinal | a dead letter: reason, UInt64 attempts, Int64 last status or -1, Int64 when, and then as in `R` |
// | `E` endpoint | the endpoint's name, as the rest |
// | `S` | ``OutboxStatus`` |

enum OutboxKey {
    static let row = UInt8(ascii: "R")
    static let mark = UInt8(ascii: "M")
    static let dead = UInt8(ascii: "D")
    static let endpoint = UInt8(ascii: "E")
    static let status: [UInt8] = [UInt8(ascii: "S")]

    static func bytes(_ kind: UInt8, _ endpoint: Int, _ ordinal: UInt64) -> [UInt8] {
        var key = bytes(kind, endpoint)
        withUnsafeBytes(of: ordinal.bigEndian) { key.append(contentsOf: $0) }
        return key
    }

    /// The key before all of the endpoint's rows of the kind; that of the next number is behind them.
    static func bytes(_ kind: UInt8, _ endpoint: Int) -> [UInt8] {
        var key = [kind]
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: endpoint).bigEndian) { key.append(contentsOf: $0) }
        return key
    }

    static func ordinal(of key: UnsafeRawBufferPointer) -> UInt64? {
        guard key.count == 13 else { return nil }
        return UInt64(bigEndian: key.loadUnaligned(fromByteOffset: 5, as: UInt64.self))
    }

    static func endpoint(of key: UnsafeRawBufferPointer) -> Int? {
        guard key.count >= 5 else { return nil }
        return Int(UInt32(bigEndian: key.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
    }
}

extension OutboxAlert {
    func rowValue() -> [UInt8] {
        var row = RowWriter()
        append(to: &row)
        return row.bytes
    }

    fileprivate func append(to row: inout RowWriter) {
        row.put(appendedMicroseconds)
        row.put(id)
        row.put(rule)
        row.put(severity)
        row.put(key)
        row.putRest(body)
    }

    /// Nil where it cannot be a row.
    init?(ordinal: UInt64, rowValue value: UnsafeRawBufferPointer) {
        var row = RowReader(value)
        self.init(ordinal: ordinal, from: &row)
    }

    fileprivate init?(ordinal: UInt64, from row: inout RowReader) {
        guard let appended = row.take(Int64.self), let id = row.takeText(), let rule = row.takeText(), let severity = row.takeText(),
            let key = row.takeBytes()
        else { return nil }
        self.init(
            ordinal: ordinal, id: id, rule: rule, severity: severity, key: key, appendedMicroseconds: appended, body: row.takeRest())
    }

    /// The `id` alone.
    static func id(inRowValue value: UnsafeRawBufferPointer) -> String? {
        var row = RowReader(value)
        guard row.take(Int64.self) != nil else { return nil }
        return row.takeText()
    }

    /// What it takes up, about.
    var byteCount: Int { body.count + key.count + id.utf8.count + rule.utf8.count + severity.utf8.count }
}

extension DeadLetter {
    func rowValue() -> [UInt8] {
        var row = RowWriter()
        row.put(burial.reason)
        row.put(UInt64(clamping: burial.attempts))
        row.put(Int64(burial.lastStatus ?? -1))
        row.put(burial.buriedMicroseconds)
        alert.append(to: &row)
        return row.bytes
    }

    /// Nil where it cannot be a dead letter.
    init?(ordinal: UInt64, rowValue value: UnsafeRawBufferPointer) {
        var row = RowReader(value)
        guard let reason = row.takeText(), let attempts = row.take(UInt64.self), let status = row.take(Int64.self),
            let buried = row.take(Int64.self), let alert = OutboxAlert(ordinal: ordinal, from: &row)
        else { return nil }
        self.init(
            alert: alert,
            burial: Burial(
                ordinal: ordinal, id: alert.id, reason: reason, attempts: Int(clamping: attempts), lastStatus: status < 0 ? nil : Int(clamping: status),
                buriedMicroseconds: buried))
    }
}
