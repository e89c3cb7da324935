internal import Events

/// The constant texts of a rule's alerts as bytes, rendered once: an alert is then a few copies and the values between them.
struct AlertText {
    /// Bytes that stay in place as long as the rule.
    struct Run {
        var start: UnsafePointer<UInt8>
        var count: Int
    }

    /// A value of an alert, and the text that stands before it.
    struct Value {
        var before: Run
        var code: CodeRange
        /// As in ``AlertProgram/Part``.
        var digits: Int
        var groups: Bool
    }

    struct Outcome {
        /// From behind the id up to the time of the match.
        var head: Run
        /// Rule and kind as the id's hash takes them in.
        var identity: Run
        var summary: UnsafeMutableBufferPointer<Value>
        /// What follows the last value of the summary, up to the fields.
        var summaryEnd: Run
        var fields: UnsafeMutableBufferPointer<Value>
        /// From behind the fields up to the number of suppressed alerts.
        var tail: Run
    }

    struct Step {
        /// `"name":[`
        var opening: Run
        /// The name as an id's hash takes it in.
        var identity: Run
    }

    private(set) var match: Outcome?
    private(set) var timeout: Outcome?
    /// `"name":` of each part of the key, a comma before all but the first.
    private(set) var keyNames: UnsafeMutableBufferPointer<Run>
    private(set) var steps: UnsafeMutableBufferPointer<Step>
    private let bytes: UnsafeMutablePointer<UInt8>

    init(_ program: RuleProgram, keyNames names: [String]) {
        var setter = Setter()
        var runs: [Range<Int>] = []
        // The bytes move while they are set, so places are kept first and pointers made at the end.
        for (index, name) in names.enumerated() { runs.append(setter.set { AlertText.add(name, after: index > 0, ":", to: &$0) }) }
        for step in program.steps {
            runs.append(setter.set { AlertText.add(step.name, after: false, ":[", to: &$0) })
            runs.append(setter.set { AlertText.add(identityOf: step.name, to: &$0) })
        }
        let kinds: [(AlertProgram?, String)] = [(program.alert, "match"), (program.timeout, "timeout")]
        for (alert, kind) in kinds {
            guard let alert else { continue }
            runs += setter.set(alert, kind: kind, program)
        }
        let memory = setter.finish()
        bytes = memory
        var rest = runs[...]
        func next() -> Run {
            let range = rest.removeFirst()
            return Run(start: UnsafePointer(memory + range.lowerBound), count: range.count)
        }
        keyNames = .allocate(capacity: names.count)
        for index in names.indices { keyNames.initializeElement(at: index, to: next()) }
        steps = .allocate(capacity: program.steps.count)
        for index in program.steps.indices { steps.initializeElement(at: index, to: Step(opening: next(), identity: next())) }
        func outcome(_ alert: AlertProgram) -> Outcome {
            let head = next(), identity = next()
            let values = alert.summary.compactMap { part -> (CodeRange, Int, Bool)? in
                if case .value(let code, let digits, let groups) = part { (code, digits, groups) } else { nil }
            }
            let summary = UnsafeMutableBufferPointer<Value>.allocate(capacity: values.count)
            for (index, value) in values.enumerated() {
                summary.initializeElement(at: index, to: Value(before: next(), code: value.0, digits: value.1, groups: value.2))
            }
            let summaryEnd = next()
            let fields = UnsafeMutableBufferPointer<Value>.allocate(capacity: alert.fields.count)
            for (index, field) in alert.fields.enumerated() {
                fields.initializeElement(at: index, to: Value(before: next(), code: field.value, digits: -1, groups: false))
            }
            return Outcome(head: head, identity: identity, summary: summary, summaryEnd: summaryEnd, fields: fields, tail: next())
        }
        if let alert = program.alert { match = outcome(alert) }
        if let alert = program.timeout { timeout = outcome(alert) }
    }

    func deallocate() {
        for outcome in [match, timeout].compactMap(\.self) {
            outcome.summary.deallocate()
            outcome.fields.deallocate()
        }
        keyNames.deallocate()
        steps.deallocate()
        bytes.deallocate()
    }

    private static func add(_ name: String, after isLater: Bool, _ end: StaticString, to buffer: inout ByteBuffer) {
        if isLater { buffer.append(",") }
        buffer.append(jsonString: name)
        buffer.append(end)
    }

    /// Its length in 8 bytes, the least first, and its bytes.
    private static func add(identityOf text: String, to buffer: inout ByteBuffer) {
        buffer.append(number: UInt64(text.utf8.count))
        buffer.append(text: text)
    }

    /// Sets texts one behind the other.
    private struct Setter: ~Copyable {
        var buffer = ByteBuffer()

        mutating func set(_ body: (inout ByteBuffer) -> Void) -> Range<Int> {
            let start = buffer.count
            body(&buffer)
            return start..<buffer.count
        }

        /// The runs of an outcome in the order of its fields.
        mutating func set(_ alert: AlertProgram, kind: String, _ program: RuleProgram) -> [Range<Int>] {
            var runs: [Range<Int>] = []
            runs.append(set {
                $0.append("\",\"rule\":")
                $0.append(jsonString: program.name)
                $0.append(",\"kind\":\"")
                $0.append(text: kind)
                $0.append("\",\"severity\":\"")
                $0.append(text: alert.severity)
                $0.append("\",\"at\":\"")
            })
            runs.append(set {
                AlertText.add(identityOf: program.name, to: &$0)
                AlertText.add(identityOf: kind, to: &$0)
            })
            var start = buffer.count
            for part in alert.summary {
                switch part {
                case .text(let text):
                    text.withUnsafeBufferPointer { if let base = $0.baseAddress { buffer.append(jsonEscaped: base, count: $0.count) } }
                case .value:
                    runs.append(start..<buffer.count)
                    start = buffer.count
                }
            }
            buffer.append("\",\"fields\":{")
            runs.append(start..<buffer.count)
            for (index, field) in alert.fields.enumerated() {
                runs.append(set { AlertText.add(field.name, after: index > 0, ":", to: &$0) })
            }
            runs.append(set {
                $0.append("},\"tags\":[")
                for (index, tag) in program.tags.enumerated() {
                    if index > 0 { $0.append(",") }
                    $0.append(jsonString: tag)
                }
                $0.append("],\"suppressed\":")
            })
            return runs
        }

        func finish() -> UnsafeMutablePointer<UInt8> {
            let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, buffer.count))
            bytes.update(from: buffer.bytes, count: buffer.count)
            return bytes
        }
    }
}

extension ByteBuffer {
    @inline(__always)
    mutating func append(_ run: AlertText.Run) {
        append(run.start, count: run.count)
    }

    /// Eight bytes, the least first.
    @inline(__always)
    mutating func append(number: UInt64) {
        var number = number.littleEndian
        withUnsafeBytes(of: &number) { append($0) }
    }
}
