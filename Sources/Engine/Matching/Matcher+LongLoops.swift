internal import Events
internal import Glibc

/// `limit N events`: a loop keeps the bytes of its first and its last events. What lies between leaves a count and a digest behind when
/// the blob is rebuilt; until then it is only not shown.
extension Matcher {
    /// Whether a thread has more captures of a loop than the rule keeps.
    private func isOverlong(_ rule: RuleTables, captures: Int, last: UInt32, in blob: UnsafeMutableRawPointer) -> Bool {
        guard captures > rule.loopEventsMax else { return false }
        var counts = [Int](repeating: 0, count: rule.program.steps.count)
        var node = last
        while node != 0 {
            let place = UnsafeRawPointer(blob + Int(node))
            if !OmittedCaptures.isMark(place) { counts[CaptureNode.step(place)] += 1 }
            node = CaptureNode.previous(place)
        }
        return counts.indices.contains { rule.program.steps[$0].isInLoop && counts[$0] > rule.loopEventsMax }
    }

    /// Copies an overlong chain without its middle, apart from what other threads share; nil where nothing is to be left out.
    ///
    /// - Complexity: O(captures), once in as many captures as the rule keeps, or more.
    func prunedChain(_ rule: RuleTables, last: UInt32, captures: Int, from old: UnsafeMutableRawPointer) -> UInt32? {
        guard isOverlong(rule, captures: captures, last: last, in: old) else { return nil }
        var nodes: [UInt32] = []
        var next = last
        while next != 0 {
            nodes.append(next)
            next = CaptureNode.previous(old + Int(next))
        }
        nodes.reverse()

        var omitted = [UInt32](repeating: 0, count: rule.program.steps.count)
        var totals = omitted
        for node in nodes {
            let place = UnsafeRawPointer(old + Int(node))
            if OmittedCaptures.isMark(place) {
                for index in 0..<OmittedCaptures.pairCount(place) {
                    let count = OmittedCaptures.count(place, index)
                    omitted[Int(count.step)] += count.count
                    totals[Int(count.step)] += count.count
                }
            } else {
                totals[CaptureNode.step(place)] += 1
            }
        }

        let window = LoopWindow(max: rule.loopEventsMax)
        var ordinals = [UInt32](repeating: 0, count: totals.count)
        var keeps = [Bool](repeating: true, count: nodes.count)
        var lastOmitted = -1
        for (index, node) in nodes.enumerated() {
            let place = UnsafeRawPointer(old + Int(node))
            if OmittedCaptures.isMark(place) {
                for step in ordinals.indices { ordinals[step] += omitted[step] }
                keeps[index] = false
                lastOmitted = max(lastOmitted, index)
                continue
            }
            let step = CaptureNode.step(place)
            ordinals[step] += 1
            if rule.program.steps[step].isInLoop, !window.keeps(Int(ordinals[step]), of: Int(totals[step])) {
                keeps[index] = false
                lastOmitted = index
                omitted[step] += 1
            }
        }
        return copy(rule, nodes, keeps: keeps, lastOmitted: lastOmitted, omitted: omitted, from: old)
    }

    private func copy(
        _ rule: RuleTables, _ nodes: [UInt32], keeps: [Bool], lastOmitted: Int, omitted: [UInt32], from old: UnsafeMutableRawPointer
    ) -> UInt32 {
        var digest = CaptureDigest()
        var previous: UInt32 = 0
        for (index, node) in nodes.enumerated() {
            let place = UnsafeRawPointer(old + Int(node))
            if index <= lastOmitted {
                digest = OmittedCaptures.isMark(place)
                    ? OmittedCaptures.digest(place) : identifier.digest(of: rule.text.steps[CaptureNode.step(place)], captured(place, in: old), after: digest)
            }
            if keeps[index] {
                let event = moveEvent(CaptureNode.event(place), from: old)
                let moved = rebuildArea.take(CaptureNode.size)
                CaptureNode.write(previous: previous, event: event, step: CaptureNode.step(place), to: rebuildArea.memory + moved)
                previous = UInt32(moved)
            }
            if index == lastOmitted {
                let counts = omitted.enumerated().filter { $0.element > 0 }
                    .map { OmittedCaptures.Count(step: UInt32($0.offset), count: $0.element) }
                let moved = rebuildArea.take(OmittedCaptures.size(pairs: counts.count))
                OmittedCaptures.write(previous: previous, counts: counts, digest: digest, to: rebuildArea.memory + moved)
                previous = UInt32(moved)
            }
        }
        return previous
    }

    /// A capture's line, wherever the rebuild has its event by now.
    private func captured(_ node: UnsafeRawPointer, in old: UnsafeMutableRawPointer) -> (bytes: UnsafePointer<UInt8>, count: Int) {
        let event = UnsafeRawPointer(old + Int(CaptureNode.event(node)))
        let record = CapturedEvent.size(event) == 0 ? UnsafeRawPointer(rebuildArea.memory + Int(event.load(as: UInt32.self))) : event
        return (CapturedEvent.rawBytes(record, slotCount: evaluator.slotCount), CapturedEvent.rawLength(record))
    }
}
