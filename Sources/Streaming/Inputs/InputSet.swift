// Several inputs that are live at once: which of them is read next, and how their silence moves time.
//
// Whichever input has something to read may be read, and of several the one that holds time back. An input that is ahead of it is read
// no further once a bound of its events waits, so that a stalled input costs a bounded amount of memory; the one that holds time back is
// always read, since only it can let the others go. What comes out does not depend on which was read first: events leave by the
// watermarks alone.
//
// Silence (`idle D`): after more than D without a byte, the watermark of an input is its last event's time, less `delay`, plus the silence
// less D. An input without any event has no time that could go on: once D has passed it does not hold the others back, that is, its
// watermark follows theirs, as far as they let events go. Where all others have ended it follows to just behind their last event, and
// time stands there.

internal import Events

final class InputSet {
    let readers: [InputReader]
    private let selector: any SourceSelector
    private let clock: any Clock
    /// Held bytes of an input that is ahead of others, beyond which it is not read.
    private let heldBytesMax: Int
    private let hasIdle: Bool
    /// Is told of each advance before it is made.
    var onIdleAdvance: ((IdleAdvance) -> Void)?
    var recorder: IdleRecorder?

    enum Turn {
        /// These inputs have something to read; the one that holds time back is first.
        case read([InputReader])
        /// Nothing can be read, but silence has moved a watermark.
        case advanced
        /// Nothing has changed: time was up, or a request to stop has come.
        case nothing
        /// Every input has been read to its end.
        case end
    }

    init(_ readers: [InputReader], selector: any SourceSelector, clock: any Clock, heldBytesMax: Int) {
        self.readers = readers
        self.selector = selector
        self.clock = clock
        self.heldBytesMax = heldBytesMax
        hasIdle = readers.contains { $0.input.idleMicroseconds != nil }
        if hasIdle {
            let now = clock.monotonicMicroseconds
            for reader in readers { reader.quietSince = now }
        }
    }

    /// How far time has come by all inputs.
    var bound: ReleaseBound { ReleaseBound(watermarks: readers.map(\.watermark)) }

    /// The time that all inputs have reached; where all have ended, the one that came furthest, whichever ended last. Nil before the first
    /// event.
    var reachedTime: Int64? {
        var time = bound.time
        if time == .max { time = readers.map(\.reachedTime).max() ?? .min }
        return time == .min ? nil : time
    }

    /// Looks which inputs can be read, and what silence has done to time.
    ///
    /// - Parameters:
    ///   - waits: whether to wait until something can be read, silence has moved time on, or a request to stop has come.
    ///   - moment: the time at which the next held event or deadline goes; nil where none is there. Silence before it moves nothing
    ///     that could be seen.
    ///   - longest: wait no longer than that, microseconds.
    ///   - heldBytes: how much of an input waits for the watermark.
    func next(waits: Bool, until moment: Int64?, atMost longest: Int64?, heldBytes: (Int) -> Int) -> Turn {
        let open = readers.filter { !$0.hasEnded }
        guard let least = open.map(\.watermark).min() else { return .end }
        let candidates = open.filter { $0.watermark == least || heldBytes($0.index) < heldBytesMax }
        let sources = candidates.map(\.input.source)
        var ready = selector.wait(for: sources, timeoutMicroseconds: 0)
        if hasIdle {
            for (place, reader) in candidates.enumerated() where !ready.contains(place) { reader.hasBytes = false }
        }
        if ready.isEmpty && waits { ready = selector.wait(for: sources, timeoutMicroseconds: InputSet.least(timeout(until: moment, open), longest)) }
        var readable = ready.map { candidates[$0] }
        let hasAdvanced = hasIdle && noteSilence(open, candidates: candidates, ready: readable)
        guard var first = readable.indices.first else { return hasAdvanced ? .advanced : .nothing }
        for place in readable.indices where readable[place].watermark < readable[first].watermark { first = place }
        readable.swapAt(0, first)
        return .read(readable)
    }

    private static func least(_ left: Int64?, _ right: Int64?) -> Int64? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }

    /// An advance as a value: the silence of an input has moved its watermark.
    func apply(_ advance: IdleAdvance) {
        guard readers.indices.contains(advance.input) else { return }
        readers[advance.input].advance(to: advance.watermark)
    }

    // MARK: - Silence

    /// Moves the watermarks of the inputs that are silent; whether any has moved. An input that was not asked, because it is paused, is
    /// not silent, and one that has something to read is so no longer.
    private func noteSilence(_ open: [InputReader], candidates: [InputReader], ready: [InputReader]) -> Bool {
        let now = clock.monotonicMicroseconds
        var hasAdvanced = false
        for reader in open {
            reader.isAbsent = false
            guard let idle = reader.input.idleMicroseconds, !reader.hasBytes, candidates.contains(where: { $0 === reader }) else { continue }
            let silence = now - reader.quietSince
            guard silence > idle else { continue }
            // Steps of its own among those that are made again would make other events late.
            guard !reader.isCatchingUp else { continue }
            guard let last = reader.lastTime else {
                reader.isAbsent = true
                continue
            }
            let mark = last.subtractingSaturating(reader.input.delayMicroseconds).addingSaturating(silence - idle)
            if advance(reader, to: mark) { hasAdvanced = true }
        }
        for reader in open where reader.isAbsent {
            if let mark = markOfOthers(than: reader), advance(reader, to: mark) { hasAdvanced = true }
        }
        for reader in open where ready.contains(where: { $0 === reader }) || !candidates.contains(where: { $0 === reader }) {
            reader.quietSince = now
            reader.hasBytes = true
        }
        return hasAdvanced
    }

    private func advance(_ reader: InputReader, to mark: Int64) -> Bool {
        guard mark > reader.watermark else { return false }
        let step = IdleAdvance(input: reader.index, line: reader.nextLine, watermark: mark)
        onIdleAdvance?(step)
        recorder?.note(step)
        reader.note(step)
        apply(step)
        return true
    }

    /// The watermark with which an input that does not count holds back nothing that the others let go; nil where they let nothing go.
    private func markOfOthers(than absent: InputReader) -> Int64? {
        let others = readers.filter { !$0.isAbsent }
        guard others.contains(where: { !$0.hasEnded }) else {
            return others.compactMap(\.largestTime).max().map { $0 + 1 }
        }
        let bound = ReleaseBound(watermarks: readers.map { $0.isAbsent ? .max : $0.watermark })
        guard bound.time != .min, bound.time != .max else { return nil }
        // Events at that very time go only where every input before their own is beyond it.
        return absent.index < bound.input ? bound.time + 1 : bound.time
    }

    /// How long nothing can change but by something to read.
    private func timeout(until moment: Int64?, _ open: [InputReader]) -> Int64? {
        guard hasIdle, let moment else { return nil }
        var wake: Int64?
        for reader in open where reader.watermark < moment {
            guard let idle = reader.input.idleMicroseconds else { return nil }
            let start = reader.quietSince.addingSaturating(idle)
            if let last = reader.lastTime {
                let mark = last.subtractingSaturating(reader.input.delayMicroseconds)
                wake = max(wake ?? .min, start.addingSaturating(max(1, moment.subtractingSaturating(mark))))
            } else if !reader.isAbsent {
                wake = max(wake ?? .min, start + 1)
            }
        }
        // A moment that lies behind us is tried again soon, not at once without end.
        return wake.map { max(1000, $0 - clock.monotonicMicroseconds) }
    }
}
