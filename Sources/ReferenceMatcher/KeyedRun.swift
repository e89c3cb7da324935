internal import Events
internal import RuleLanguage

/// An event assigned to a step; the event by its place in the key's stream.
struct Capture: Hashable {
    var step: Int
    var position: Int
}

/// The captures so far and the open targets; section 4.
struct Thread: Hashable {
    var captures: [Capture]
    var targets: Set<Target>

    /// Where its first event stands.
    var start: Int { captures[0].position }
    /// Where its last event stands.
    var last: Int { captures[captures.count - 1].position }
}

/// A match or timeout of one key.
struct KeyedMatch {
    var isTimeout: Bool
    var at: Int64
    /// Where the event stands that completed it; nil at a deadline.
    var completedBy: Int?
    var captures: [Capture]
}

/// The reference has more threads or matches in hand than it can compare in sensible time.
public struct ReferenceOverflow: Error {}

/// One rule over one key's stream, event by event: sections 4 and 5 of the language, word for word.
///
/// Threads are values, targets are sets, nothing is shared and nothing is saved: every event looks at every thread.
struct KeyedRun {
    let rule: CheckedRule
    let pattern: NumberedPattern
    let key: [Value]
    /// Canonical, for keys by step.
    let keyValue: KeyValue
    let stream: [ReferenceEvent]
    let findsPattern: (String, String) -> Bool?
    /// Most threads of the key, and most matches.
    let threadsMax: Int

    private var threads: [Thread] = []
    private(set) var matches: [KeyedMatch] = []
    /// What began before this place is dropped.
    private var floor = 0
    /// What began at these places is dropped.
    private var droppedStarts: Set<Int> = []
    /// Where a reported match began.
    private var matchedStarts: Set<Int> = []
    private var reported: Set<Set<Capture>> = []

    init(
        rule: CheckedRule, pattern: NumberedPattern, key: [Value], keyValue: KeyValue, stream: [ReferenceEvent],
        findsPattern: @escaping (String, String) -> Bool?, threadsMax: Int
    ) {
        self.threadsMax = threadsMax
        self.rule = rule
        self.pattern = pattern
        self.key = key
        self.keyValue = keyValue
        self.stream = stream
        self.findsPattern = findsPattern
    }

    /// - Parameter end: deadlines up to here fire after the last event; nil: all.
    mutating func run(end: Int64?) throws(ReferenceOverflow) {
        for position in stream.indices { try advance(position) }
        fireDeadlines(upTo: end, before: stream.count)
    }

    // MARK: - An event

    private mutating func advance(_ position: Int) throws(ReferenceOverflow) {
        let event = stream[position]
        fireDeadlines(upTo: event.time, before: position)
        if rule.cancels.contains(where: { qualifies($0, event, captures: []) }) { threads = [] }

        var next: [Thread] = []
        var completed: [[Capture]] = []
        for thread in threads {
            // 1. What can no longer be reached is lost. (Limits that have passed were taken by `fireDeadlines`.)
            var open: Set<Target> = []
            var satisfied: [Target] = []
            for target in thread.targets {
                guard case .step(let step, let place, let edge) = target else {
                    open.insert(target)
                    continue
                }
                if isStopped(step, place, event, thread.captures) {
                    // `until` ends a loop that has captured; before that it only keeps the event out of it.
                    if case .inLoop(_, let round, _, _) = place, round > 1 { continue }
                    open.insert(target)
                    continue
                }
                open.insert(target)
                let isForbidden = edge.guards.contains { $0.isNext && forbids($0, position, thread) }
                if !isForbidden, satisfies(step, event, thread.captures) { satisfied.append(target) }
            }
            // 2. One thread for every open target that the event satisfies.
            for target in satisfied { capture(target, position, thread.captures, &next, &completed) }
            // 3. What qualifies is never skipped: else the thread goes on.
            let mustCapture = satisfied.contains { if case .step(_, _, let edge) = $0 { edge.connective == .then } else { false } }
            if mustCapture { continue }
            let remaining = open.filter { target in
                switch target {
                case .step(_, _, let edge): edge.connective != .next && !edge.guards.contains { forbids($0, position, thread) }
                case .end(_, let guards): !guards.contains { forbids($0, position, thread) }
                }
            }
            if !remaining.isEmpty { next.append(Thread(captures: thread.captures, targets: remaining)) }
        }
        // A thread may start at every event.
        for part in pattern.beginnings {
            for case .step(let step, let place, let edge) in part
            where !isStopped(step, place, event, []) && satisfies(step, event, []) {
                capture(.step(step, place, edge), position, [], &next, &completed)
            }
        }
        var seen: Set<Thread> = []
        threads = next.filter { seen.insert($0).inserted }
        report(completed, at: event.time, completedBy: position, upcoming: position + 1)
        dropBeyondLimit()
        if threads.count > threadsMax || matches.count > threadsMax { throw ReferenceOverflow() }
    }

    private func capture(
        _ target: Target, _ position: Int, _ captures: [Capture], _ next: inout [Thread], _ completed: inout [[Capture]]
    ) {
        guard case .step(let step, let place, _) = target else { return }
        let time = stream[position].time
        let captures = captures + [Capture(step: step, position: position)]
        let start = stream[captures[0].position].time
        for part in pattern.leave(place.began(at: time), []) {
            var open: Set<Target> = []
            for target in part {
                guard case .end(_, let guards) = target else {
                    open.insert(target)
                    continue
                }
                if guards.isEmpty {
                    completed.append(captures)
                    continue
                }
                // Of several guards the last to end completes; one with no limit of its own lasts as long as the pattern may.
                // Where that has no limit either, nothing ever tells that the guard has held, and there is nothing to wait for.
                let deadlines = guards.compactMap { guarding in
                    guarding.limit.map { added(time, $0) } ?? rule.pattern.withinMicroseconds.map { added(start, $0) }
                }
                if deadlines.count == guards.count { open.insert(.end(deadline: deadlines.max(), guards: guards)) }
            }
            if !open.isEmpty { next.append(Thread(captures: captures, targets: open)) }
        }
    }

    /// `limit N open`: open matches are counted by their first events.
    private mutating func dropBeyondLimit() {
        var starts = Set(threads.map(\.start)).sorted()
        while starts.count > rule.openLimit.max {
            let dropped = rule.openLimit.dropsNewest ? starts.removeLast() : starts.removeFirst()
            threads.removeAll { $0.start == dropped }
        }
    }

    // MARK: - Deadlines

    /// When the target can no longer be reached; nil: never.
    private func expiry(_ target: Target, _ thread: Thread) -> Int64? {
        guard case .step(_, let place, let edge) = target else { return nil }
        var expiries: [Int64] = []
        if let within = rule.pattern.withinMicroseconds { expiries.append(added(stream[thread.start].time, within)) }
        if let limit = edge.limit { expiries.append(added(stream[thread.last].time, limit)) }
        var here = place
        while true {
            switch here {
            case .outside:
                return expiries.min()
            case .inSequence(_, _, let around), .inAllOf(_, _, _, let around), .inLoop(_, _, _, let around):
                here = around
            case .inTimed(let node, let began, let around):
                if let began, case .timed(_, let within) = pattern.nodes[node] { expiries.append(added(began, within)) }
                here = around
            }
        }
    }

    private func deadline(_ target: Target, _ thread: Thread) -> Int64? {
        if case .end(let deadline, _) = target { deadline } else { expiry(target, thread) }
    }

    /// Takes the moments one after another: at each, absences complete and targets whose limit has come are lost. What happens at one
    /// moment goes by first events; of one first event, matches come before its timeout.
    private mutating func fireDeadlines(upTo end: Int64?, before position: Int) {
        while true {
            let moments = threads.flatMap { thread in thread.targets.compactMap { deadline($0, thread) } }
            guard let now = moments.filter({ end == nil || $0 <= end! }).min() else { return }
            var completed: [[Capture]] = []
            var ended: [[Capture]] = []
            var next: [Thread] = []
            for thread in threads {
                let due = thread.targets.filter { deadline($0, thread) == now }
                for case .end in due { completed.append(thread.captures) }
                let remaining = thread.targets.subtracting(due)
                if !remaining.isEmpty {
                    next.append(Thread(captures: thread.captures, targets: remaining))
                } else if !due.contains(where: { if case .end = $0 { true } else { false } }) {
                    ended.append(thread.captures)
                }
            }
            threads = next
            for start in Set((completed + ended).map { $0[0].position }).sorted() {
                report(completed.filter { $0[0].position == start }, at: now, completedBy: nil, upcoming: position)
                let isLast = !threads.contains { $0.start == start }
                let isDropped = start < floor || droppedStarts.contains(start)
                let timedOut = ended.filter { $0[0].position == start }.sorted(by: KeyedRun.precedes)
                if let captures = timedOut.first, isLast, !isDropped, !matchedStarts.contains(start), rule.timeoutAlert != nil {
                    matches.append(KeyedMatch(isTimeout: true, at: now, completedBy: nil, captures: captures))
                }
            }
        }
    }

    // MARK: - Which matches are reported

    /// The order of section 5.
    static func precedes(_ left: [Capture], _ right: [Capture]) -> Bool {
        if left[0].position != right[0].position { return left[0].position < right[0].position }
        if left.count != right.count { return left.count > right.count }
        let positions = (left.map(\.position), right.map(\.position))
        if positions.0 != positions.1 { return positions.0.lexicographicallyPrecedes(positions.1) }
        return left.map(\.step).lexicographicallyPrecedes(right.map(\.step))
    }

    private mutating func report(_ completed: [[Capture]], at time: Int64, completedBy: Int?, upcoming: Int) {
        for captures in completed.sorted(by: KeyedRun.precedes) {
            let start = captures[0].position
            if start < floor || droppedStarts.contains(start) { continue }
            if !reported.insert(Set(captures)).inserted { continue }
            matchedStarts.insert(start)
            matches.append(KeyedMatch(isTimeout: false, at: time, completedBy: completedBy, captures: captures))
            switch rule.afterMatch {
            case .keepAll:
                break
            case .skipPastLast:
                floor = max(floor, upcoming)
            case .skipToNext:
                droppedStarts.insert(start)
            case .skipToFirst(let step), .skipToLast(let step):
                let labelled = captures.filter { $0.step == step }.map(\.position)
                let isFirst = if case .skipToFirst = rule.afterMatch { true } else { false }
                if let place = isFirst ? labelled.first : labelled.last {
                    droppedStarts.insert(start)
                    floor = max(floor, place)
                } else {
                    floor = max(floor, upcoming)
                }
            }
        }
        threads.removeAll { $0.start < floor || droppedStarts.contains($0.start) }
    }

    // MARK: - Conditions

    private func evaluator(_ event: ReferenceEvent, _ captures: [Capture]) -> ReferenceEvaluator {
        ReferenceEvaluator(
            event: event, time: event.time, captures: captures.map { .init(step: $0.step, event: stream[$0.position]) }, key: key,
            findsPattern: findsPattern)
    }

    private static func has(_ types: TypeSet, _ event: ReferenceEvent) -> Bool {
        switch types {
        case .any: true
        case .named(let names): event.type.map(names.contains) ?? false
        }
    }

    /// With keys by step, each captures or closes only where its own key is the key at hand.
    private func isOwnKey(_ expressions: [Expression], _ event: ReferenceEvent) -> Bool {
        guard rule.isKeyedByStep else { return true }
        return KeyValue(expressions, evaluator(event, [])) == keyValue
    }

    private func satisfies(_ step: Int, _ event: ReferenceEvent, _ captures: [Capture]) -> Bool {
        let step = rule.pattern.steps[step]
        return KeyedRun.has(step.types, event) && isOwnKey(step.key, event)
            && evaluator(event, captures).isSatisfied(step.condition)
    }

    private func qualifies(_ predicate: Int, _ event: ReferenceEvent, captures: [Capture], keyOf step: Int? = nil) -> Bool {
        rule.pattern.predicates[predicate].alternatives.contains { alternative in
            KeyedRun.has(alternative.types, event)
                && isOwnKey(step.map { rule.pattern.steps[$0].key } ?? alternative.key, event)
                && evaluator(event, captures).isSatisfied(alternative.condition)
        }
    }

    /// The event satisfies the `until` of the loop that the step is; its key is the step's.
    private func isStopped(_ step: Int, _ place: Place, _ event: ReferenceEvent, _ captures: [Capture]) -> Bool {
        guard case .inLoop(let node, _, _, _) = place, case .loop(_, _, _, let until?) = pattern.nodes[node] else { return false }
        return qualifies(until, event, captures: captures, keyOf: step)
    }

    /// The guard is in force at this event, and the event qualifies for it.
    private func forbids(_ guarding: Guarding, _ position: Int, _ thread: Thread) -> Bool {
        if guarding.isNext, position != thread.last + 1 { return false }
        // A guard without a limit of its own ends with the pattern's.
        let ends = guarding.limit.map { added(stream[thread.last].time, $0) }
            ?? rule.pattern.withinMicroseconds.map { added(stream[thread.start].time, $0) }
        if let ends, stream[position].time >= ends { return false }
        return qualifies(guarding.predicate, stream[position], captures: thread.captures)
    }
}

/// A time plus a duration; what lies beyond all times is the last of them.
func added(_ time: Int64, _ duration: Int64) -> Int64 {
    let (sum, overflows) = time.addingReportingOverflow(duration)
    return overflows ? .max : sum
}
