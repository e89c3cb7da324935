internal import Events
internal import Glibc

/// An alert's JSON, written straight from the captures.
extension Matcher {
    func render(
        _ rule: RuleTables, _ completion: Completion, row: EventRow?, blob: UnsafeMutableRawPointer?, at time: Int64, ordinal: Int
    ) {
        links(of: completion, blob: blob, into: &chains.left)
        renderLinked(rule, completion, row: row, blob: blob, at: time, ordinal: ordinal)
    }

    /// Writes the alert of the captures that stand in `chains.left`.
    func renderLinked(
        _ rule: RuleTables, _ completion: Completion, row: EventRow?, blob: UnsafeMutableRawPointer?, at time: Int64, ordinal: Int
    ) {
        guard let outcome = completion.isTimeout ? rule.text.timeout : rule.text.match else { return }
        evaluator.record = UnsafeRawPointer(completion.record)
        evaluator.now = time
        if let blob { evaluator.blob = UnsafeRawPointer(blob) }
        evaluator.lastEvent = chains.left.links.last?.event ?? 0
        let order = AlertOrder(
            time: time, isEvent: row != nil, arrival: row?.arrival ?? completion.first.arrival, rule: rule.rank,
            firstArrival: completion.first.arrival, captures: captureOrder(rule, completion), ordinal: ordinal)
        write(rule, outcome, isTimeout: completion.isTimeout, order: order, firstTime: completion.first.time)
    }

    private func captureOrder(_ rule: RuleTables, _ completion: Completion) -> [UInt64] {
        guard groups[Int(ruleGroups[rule.rank])].isKeyedByStep else { return [] }
        var order = [UInt64.max - UInt64(completion.captures)]
        for link in chains.left.links { order += [UInt64(bitPattern: link.position.time), link.position.arrival] }
        for link in chains.left.links { order.append(UInt64(link.step)) }
        return order
    }

    private func write(_ rule: RuleTables, _ outcome: AlertText.Outcome, isTimeout: Bool, order: AlertOrder, firstTime: Int64) {
        let start = alerts.bytes.count
        alerts.bytes.append("{\"id\":\"")
        writeIdentifier(rule, outcome, time: order.time)
        alerts.bytes.append(outcome.head)
        alerts.bytes.append(time: order.time)
        alerts.bytes.append("\",\"started_at\":\"")
        alerts.bytes.append(time: firstTime)
        alerts.bytes.append("\",\"key\":{")
        for index in 0..<rule.text.keyNames.count {
            alerts.bytes.append(rule.text.keyNames[index])
            alerts.bytes.append(json: KeyEncoding.part(index, of: evaluator.key))
        }
        alerts.bytes.append("},\"summary\":\"")
        for index in 0..<outcome.summary.count {
            let value = outcome.summary[index]
            alerts.bytes.append(value.before)
            alerts.bytes.append(summary: evaluator.evaluate(value.code), digits: value.digits, groups: value.groups)
        }
        alerts.bytes.append(outcome.summaryEnd)
        for index in 0..<outcome.fields.count {
            alerts.bytes.append(outcome.fields[index].before)
            alerts.bytes.append(json: evaluator.evaluate(outcome.fields[index].code))
        }
        alerts.bytes.append(outcome.tail)
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
    private func writeIdentifier(_ rule: RuleTables, _ outcome: AlertText.Outcome, time: Int64) {
        var digest = chains.left.digest
        for index in chains.left.digestEnd..<chains.left.links.count {
            let link = chains.left.links[index]
            let (bytes, count) = rawBytes(link)
            digest = identifier.digest(of: rule.text.steps[link.step], (bytes, count), after: digest)
        }
        identifier.begin()
        identifier.add(outcome.identity)
        identifier.add(evaluator.key, evaluator.keyLength)
        identifier.add(number: UInt64(bitPattern: time))
        identifier.add(number: digest.low)
        identifier.add(number: digest.high)
        identifier.write(to: &alerts.bytes)
    }

    /// How many captures each loop has had beyond those that are shown.
    private func writeOmitted(_ rule: RuleTables) {
        // Without so many captures no loop has lost any.
        guard chains.left.links.count > rule.loopEventsMax || !chains.left.omitted.isEmpty else { return }
        var isFirst = true
        for step in 0..<rule.text.steps.count where rule.stepsInLoops[step] {
            let total = captureCount(step)
            guard total > rule.loopEventsMax else { continue }
            alerts.bytes.append(isFirst ? ",\"omitted\":{" as StaticString : ",")
            isFirst = false
            alerts.bytes.append(jsonString: rule.program.steps[step].name)
            alerts.bytes.append(":")
            alerts.bytes.append(integer: Int64(total - rule.loopEventsMax))
            rule.counters.loopEventsOmitted &+= UInt64(total - rule.loopEventsMax)
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

    /// Steps in the order of the rule's text, those that captured nothing left out; of a long loop the first and the last.
    private func writeMatch(_ rule: RuleTables) {
        let window = LoopWindow(max: rule.loopEventsMax)
        let count = chains.left.links.count
        var isFirstStep = true
        for step in 0..<rule.text.steps.count {
            let total = rule.stepsInLoops[step] && count > window.max ? captureCount(step) : 0
            var ordinal = 0
            var isFirst = true
            for index in 0..<count {
                if index == chains.left.digestEnd { ordinal += omittedCount(step) }
                let link = chains.left.links[index]
                guard link.step == step else { continue }
                ordinal += 1
                guard window.keeps(ordinal, of: total) else { continue }
                if isFirst {
                    if !isFirstStep { alerts.bytes.append(",") }
                    isFirstStep = false
                    alerts.bytes.append(rule.text.steps[step].opening)
                } else {
                    alerts.bytes.append(",")
                }
                isFirst = false
                let (bytes, length) = rawBytes(link)
                alerts.bytes.append(bytes, count: length)
            }
            if !isFirst { alerts.bytes.append("]") }
        }
    }

    /// What the alert stage compares to suppress repeats: the key, or the values of the cooldown's own expressions.
    private func writeCooldownKey(_ rule: RuleTables) {
        guard rule.cooldown > 0 else { return }
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
