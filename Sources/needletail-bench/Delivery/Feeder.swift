internal import Events
internal import Glibc
internal import Synchronization

/// The same events again and again, each time later, so that they are one long stream.
struct Feeder: ~Copyable {
    private var events: ByteBuffer
    /// Where the digits of each event's time begin.
    private var times: [Int] = []
    /// Where pieces of whole lines end, and how many times stand before that.
    private var pieces: [(end: Int, times: Int)] = []
    /// From the first event of a round to the first of the next, milliseconds.
    private let span: UInt64

    private static let pieceBytes = 256 * 1024
    private static let digits = 13

    init(_ size: Size) {
        var generator = TransactionGenerator(cards: size.keys)
        var events = ByteBuffer(capacity: size.events * 176)
        var pieceBegin = 0
        var (first, last) = (UInt64.max, UInt64(0))
        let mark = Array("\"ts\":".utf8)
        for _ in 0..<size.events {
            let begin = events.count
            generator.append(to: &events)
            let line = UnsafeRawBufferPointer(start: events.bytes + begin, count: events.count - begin)
            guard let found = line.find(mark) else { preconditionFailure("Every event has its time.") }
            let place = begin + found + mark.count
            times.append(place)
            let time = Feeder.time(events.bytes + place)
            (first, last) = (min(first, time), max(last, time))
            if events.count - pieceBegin >= Feeder.pieceBytes {
                pieces.append((events.count, times.count))
                pieceBegin = events.count
            }
        }
        if pieceBegin < events.count { pieces.append((events.count, times.count)) }
        span = last &- first &+ 1
        self.events = events
    }

    private static func time(_ bytes: UnsafePointer<UInt8>) -> UInt64 {
        (0..<digits).reduce(0) { $0 * 10 + UInt64(bytes[$1] - 48) }
    }

    /// Writes until a time of the monotonic clock.
    ///
    /// - Parameter fed: how many events were written so far, for others to look at.
    /// - Returns: how many in all.
    mutating func feed(_ pipe: borrowing FileHandle, until end: UInt64, _ fed: borrowing Atomic<Int>) throws(BenchError) -> Int {
        while true {
            var (begin, time) = (0, 0)
            for piece in pieces {
                guard monotonicNanoseconds() < end else { return fed.load(ordering: .relaxed) }
                try pipe.write(UnsafeRawBufferPointer(start: events.bytes + begin, count: piece.end - begin))
                fed.add(piece.times - time, ordering: .relaxed)
                // For the next round, while it is at hand.
                for place in times[time..<piece.times] { advance(place) }
                (begin, time) = (piece.end, piece.times)
            }
        }
    }

    private func advance(_ place: Int) {
        let bytes = UnsafeMutablePointer(mutating: events.bytes) + place
        var rest = span
        var index = Feeder.digits - 1
        while rest > 0, index >= 0 {
            let sum = UInt64(bytes[index] - 48) + rest
            bytes[index] = UInt8(sum % 10) + 48
            rest = sum / 10
            index -= 1
        }
    }
}
