internal import Engine
internal import Events

/// Brings the alerts of all shards into one order, passes them through the alert stage, and writes what leaves.
final class AlertWriter: @unchecked Sendable {
    // @unchecked: used by one worker in a superstep.

    var stage: AlertStage
    private let sinks: [any Sink]
    private let lateSink: (any Sink)?
    private let rejectSink: (any Sink)?
    private var output = ByteBuffer(capacity: 64 * 1024)
    var lateLines = SideLines()
    var rejectLines = SideLines()
    private var places: [Int] = []
    /// Of each rule.
    private(set) var suppressed: [UInt64]
    private(set) var sent: [UInt64]
    private(set) var count: UInt64 = 0
    /// Alerts that had left before the restart.
    var countBefore: UInt64 = 0
    /// Is told how many have left since the state began, after each time that some have.
    var onLeft: ((UInt64) -> Void)?
    /// What silence has done is recorded before anything leaves.
    var recorder: IdleRecorder?

    init(program: Program, alerts: [any Sink], late: (any Sink)?, rejects: (any Sink)?) {
        stage = AlertStage(program)
        sinks = alerts
        lateSink = late
        rejectSink = rejects
        suppressed = [UInt64](repeating: 0, count: program.rules.count)
        sent = suppressed
    }

    var keepsLate: Bool { lateSink != nil }
    var keepsRejects: Bool { rejectSink != nil }

    /// Writes the alerts of several buffers, each in order, in the order of all; empties the buffers.
    func write(_ buffers: [AlertBuffer]) throws(RunError) {
        output.removeAll()
        places.removeAll(keepingCapacity: true)
        for _ in buffers { places.append(0) }
        while true {
            var best = -1
            for index in buffers.indices where places[index] < buffers[index].pending.count {
                if best < 0 || buffers[index].pending[places[index]].order < buffers[best].pending[places[best]].order { best = index }
            }
            guard best >= 0 else { break }
            admit(buffers[best].pending[places[best]], of: buffers[best])
            places[best] += 1
        }
        for buffer in buffers { buffer.removeAll() }
        for sink in sinks { try send(output, to: sink) }
        onLeft?(countBefore + count)
    }

    @inline(__always)
    private func admit(_ alert: PendingAlert, of buffer: AlertBuffer) {
        let bytes = UnsafePointer(buffer.bytes.bytes)
        let rule = alert.order.rule
        let key = UnsafeRawBufferPointer(start: bytes + alert.end, count: alert.keyEnd - alert.end)
        guard let before = stage.admit(alert, key: key) else {
            suppressed[rule] += 1
            return
        }
        output.append(bytes + alert.start, count: alert.split - alert.start)
        output.append(integer: before)
        output.append(bytes + alert.split, count: alert.end - alert.split)
        output.append("\n")
        count += 1
        sent[rule] += 1
    }

    /// Writes the late and rejected lines that have come together.
    func writeSideLines() throws(RunError) {
        if let lateSink, lateLines.buffer.count > 0 {
            try send(lateLines.buffer, to: lateSink)
            lateLines.removeAll()
        }
        if let rejectSink, rejectLines.buffer.count > 0 {
            try send(rejectLines.buffer, to: rejectSink)
            rejectLines.removeAll()
        }
    }

    private func send(_ buffer: borrowing ByteBuffer, to sink: any Sink) throws(RunError) {
        guard buffer.count > 0 else { return }
        try recorder?.record()
        do throws(SinkError) {
            try sink.write(UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.count))
            try sink.flush()
        } catch {
            switch error {
            case .brokenPipe: throw .brokenPipe
            case .failed(let message): throw .sink(message)
            }
        }
    }
}
