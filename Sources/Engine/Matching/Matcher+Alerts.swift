internal import CXXHash
internal import Events
internal import Glibc

/// An alert's JSON, written straight from the captures.
extension Matcher {
    func render(
        _ rule: RuleTables, _ completion: Completion, row: EventRow?, blob: UnsafeMutableRawPointer?, at time: Int64, ordinal: Int
    ) {
        guard let alert = completion.isTimeout ? rule.program.timeout : rule.program.alert else { return }
        links(of: completion, blob: blob, into: &chains.left)
        evaluator.record = UnsafeRawPointer(completion.record)
        evaluator.now = time
        if let blob { evaluator.blob = UnsafeRawPointer(blob) }
        evaluator.lastEvent = chains.left.links.last?.event ?? 0
        let order = AlertOrder(
            time: time, isEvent: row != nil, arrival: row?.arrival ?? completion.first.arrival, rule: rule.program.rank,
            firstArrival: completion.first.arrival, captures: captureOrder(rule, completion), ordinal: ordinal)
        write(rule, alert, isTimeout: completion.isTimeout, order: order, firstTime: completion.first.time)
    }

    private func captureOrder(_ rule: RuleTables, _ completion: Completion) -> [UInt64] {
        guard groups[Int(ruleGroups[rule.program.rank])].isKeyedByStep else { return [] }
        var order = [UInt64.max - UInt64(completion.captures)]
        for link in chains.left.links { order += [UInt64(bitPattern: link.position.time), link.position.arrival] }
        for link in chains.left.links { order.append(UInt64(link.step)) }
        return order
    }

    private func write(_ rule: RuleTables, _ alert: AlertProgram, isTimeout: Bool, order: AlertOrder, firstTime: Int64) {
        let kind: StaticString = isTimeout ? "timeout" : "match"
        let start = alerts.bytes.count
        alerts.bytes.append("{\"id\":\"")
        writeIdentifier(rule, kind: kind, time: order.time)
        alerts.bytes.append("\",\"rule\":")
        alerts.bytes.append(jsonString: rule.program.name)
        alerts.bytes.append(",\"kind\":\"")
        alerts.bytes.append(kind)
        alerts.bytes.append("\",\"severity\":\"")
        alerts.bytes.append(text: alert.severity)
        alerts.bytes.append("\",\"at\":\"")
        alerts.bytes.append(time: order.time)
        alerts.bytes.append("\",\"started_at\":\"")
        alerts.bytes.append(time: firstTime)
        alerts.bytes.append("\",\"key\":{")
        writeKey(rule)
        alerts.bytes.append("},\"summary\":\"")
        writeSummary(alert)
        alerts.bytes.append("\",\"fields\":{")
        for (index, field) in alert.fields.enumerated() {
            if index > 0 { alerts.bytes.append(",") }
            alerts.bytes.append(jsonString: field.name)
            alerts.bytes.append(":")
            alerts.bytes.append(json: evaluator.evaluate(field.value))
        }
        alerts.bytes.append("},\"tags\":[")
        for (index, tag) in rule.program.tags.enumerated() {
            if index > 0 { alerts.bytes.append(",") }
            alerts.bytes.append(jsonString: tag)
        }
        alerts.bytes.append("],\"suppressed\":")
        let split = alerts.bytes.count
        writeOmitted(rule)
        alerts.bytes.append(",\"match\":{")
        writeMatch(rule)
        alerts.bytes.append("}}")
        let end = alerts.bytes.count
        writeCooldownKey(rule)
        alerts.pending.append(
            PendingAlert(
                order: order, isTimeout: isTimeout, start: start, split: split, end: end, keyEnd: alerts.bytes.count))
    }

    private func rawBytes(_ link: ChainScratch.Link) -> (UnsafePointer<UInt8>, Int) {
        if link.event == CapturedEvent.current { return (evaluator.row.rawBytes, evaluator.row.rawLength) }
        let event = evaluator.blob + Int(link.event)
        return (CapturedEvent.rawBytes(event, slotCount: evaluator.slotCount), CapturedEvent.rawLength(event))
    }

    /// XXH3-128 over rule, kind, key and time, and for each capture its step's name and its bytes; each part with its length, so that no
    /// two matches share an input.
    private func writeIdentifier(_ rule: RuleTables, kind: StaticString, time: Int64) {
        var digest = chains.left.digest
        for link in chains.left.links[chains.left.digestEnd...] {
            let (bytes, count) = rawBytes(link)
            digest = identifier.digest(of: rule, (link.step, bytes, count), after: digest)
        }
        identifier.begin()
        identifier.add(text: rule.program.name)
        kind.withUTF8Buffer { identifier.add($0.baseAddress.unsafelyUnwrapped, $0.count) }
        identifier.add(evaluator.key, evaluator.keyLength)
        identifier.add(number: UInt64(bitPattern: time))
        identifier.add(number: digest.low)
        identifier.add(number: digest.high)
        identifier.write(to: &alerts.bytes)
    }

    /// How many captures each loop has had beyond those that are shown.
    private func writeOmitted(_ rule: RuleTables) {
        var isFirst = true
        for (step, program) in rule.program.steps.enumerated() where program.isInLoop {
            let total = captureCount(step)
            guard total > rule.program.loopEventsMax else { continue }
            alerts.bytes.append(isFirst ? ",\"omitted\":{" as StaticString : ",")
            isFirst = false
            alerts.bytes.append(jsonString: program.name)
            alerts.bytes.append(":")
            alerts.bytes.append(integer: Int64(total - rule.program.loopEventsMax))
            rule.counters.loopEventsOmitted &+= UInt64(total - rule.program.loopEventsMax)
        }
        if !isFirst { alerts.bytes.append("}") }
    }

    private func captureCount(_ step: Int) -> Int {
        var total = omittedCount(step)
        for link in chains.left.links where link.step == step { total += 1 }
        return total
    }

    private func omittedCount(_ step: Int) -> Int {
        chains.left.omitted.first { Int($0.step) == step }.map { Int($0.count) } ?? 0
    }

    private func writeKey(_ rule: RuleTables) {
        for (index, name) in groups[Int(ruleGroups[rule.program.rank])].group.names.enumerated() {
            if index > 0 { alerts.bytes.append(",") }
            alerts.bytes.append(jsonString: name)
            alerts.bytes.append(":")
            alerts.bytes.append(json: KeyEncoding.part(index, of: evaluator.key))
        }
    }

    private func writeSummary(_ alert: AlertProgram) {
        for part in alert.summary {
            switch part {
            case .text(let text):
                text.withUnsafeBufferPointer { buffer in
                    if let base = buffer.baseAddress { alerts.bytes.append(jsonEscaped: base, count: buffer.count) }
                }
            case .value(let code, let digits, let groups):
                alerts.bytes.append(summary: evaluator.evaluate(code), digits: digits, groups: groups)
            }
        }
    }

    /// Steps in the order of the rule's text, those that captured nothing left out; of a long loop the first and the last.
    private func writeMatch(_ rule: RuleTables) {
        let window = LoopWindow(max: rule.program.loopEventsMax)
        var isFirstStep = true
        for (step, program) in rule.program.steps.enumerated() {
            let total = program.isInLoop && chains.left.links.count > window.max ? captureCount(step) : 0
            var ordinal = 0
            var isFirst = true
            for (index, link) in chains.left.links.enumerated() {
                if index == chains.left.digestEnd { ordinal += omittedCount(step) }
                guard link.step == step else { continue }
                ordinal += 1
                guard window.keeps(ordinal, of: total) else { continue }
                if isFirst {
                    if !isFirstStep { alerts.bytes.append(",") }
                    isFirstStep = false
                    alerts.bytes.append(jsonString: program.name)
                    alerts.bytes.append(":[")
                } else {
                    alerts.bytes.append(",")
                }
                isFirst = false
                let (bytes, count) = rawBytes(link)
                alerts.bytes.append(bytes, count: count)
            }
            if !isFirst { alerts.bytes.append("]") }
        }
    }

    /// What the alert stage compares to suppress repeats: the key, or the values of the cooldown's own expressions.
    private func writeCooldownKey(_ rule: RuleTables) {
        guard rule.program.cooldown > 0 else { return }
        guard let expressions = rule.program.cooldownKey else {
            alerts.bytes.append(evaluator.key, count: evaluator.keyLength)
            return
        }
        // Not `key`: that of the event at hand is still needed, for its blob.
        cooldownKey.removeAll()
        for expression in expressions where !KeyEncoding.append(evaluator.evaluate(expression), to: &cooldownKey) {
            KeyEncoding.appendMissing(to: &cooldownKey)
        }
        alerts.bytes.append(UnsafePointer(cooldownKey.bytes), count: cooldownKey.count)
    }
}

/// The hash that an alert's `id` is.
struct AlertIdentifier: ~Copyable {
    private let state = nt_hash_state_create()

    deinit {
        nt_hash_state_free(state)
    }

    func begin() {
        nt_hash_reset(state)
    }

    /// The digest with one more capture: its step's name and its line.
    func digest(
        of rule: RuleTables, _ capture: (step: Int, bytes: UnsafePointer<UInt8>, count: Int), after digest: CaptureDigest
    ) -> CaptureDigest {
        begin()
        add(number: digest.low)
        add(number: digest.high)
        add(text: rule.program.steps[capture.step].name)
        add(capture.bytes, capture.count)
        let next = nt_hash_digest(state)
        return CaptureDigest(low: next.low, high: next.high)
    }

    func add(number: UInt64) {
        var number = number.littleEndian
        nt_hash_update(state, &number, 8)
    }

    func add(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        add(number: UInt64(count))
        nt_hash_update(state, bytes, count)
    }

    func add(text: String) {
        var text = text
        text.withUTF8 { buffer in
            if let base = buffer.baseAddress { add(base, buffer.count) } else { add(number: 0) }
        }
    }

    /// 32 hexadecimal digits.
    func write(to buffer: inout ByteBuffer) {
        let digest = nt_hash_digest(state)
        for word in [digest.high, digest.low] {
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
                buffer.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        }
    }
}
