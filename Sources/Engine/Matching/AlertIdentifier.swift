internal import CXXHash
internal import Events

/// The hash that an alert's `id` is. What goes into it is put side by side first: one pass over it costs less than many small ones.
struct AlertIdentifier: ~Copyable {
    private var input = ByteBuffer()

    mutating func begin() {
        input.removeAll()
    }

    /// The digest with one more capture: its step's name and its line.
    mutating func digest(
        of step: AlertText.Step, _ line: (bytes: UnsafePointer<UInt8>, count: Int), after digest: CaptureDigest
    ) -> CaptureDigest {
        begin()
        add(number: digest.low)
        add(number: digest.high)
        add(step.identity)
        add(line.bytes, line.count)
        let next = nt_hash128_of(input.bytes, input.count)
        return CaptureDigest(low: next.low, high: next.high)
    }

    @inline(__always)
    mutating func add(number: UInt64) {
        input.append(number: number)
    }

    /// Bytes with their length before them.
    @inline(__always)
    mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        add(number: UInt64(count))
        input.append(bytes, count: count)
    }

    /// Texts whose lengths are among them.
    @inline(__always)
    mutating func add(_ run: AlertText.Run) {
        input.append(run)
    }

    /// 32 hexadecimal digits.
    func write(to buffer: inout ByteBuffer) {
        let digest = nt_hash128_of(input.bytes, input.count)
        write(digest.high, to: &buffer)
        write(digest.low, to: &buffer)
    }

    private func write(_ word: UInt64, to buffer: inout ByteBuffer) {
        var shift: UInt64 = 64
        while shift > 0 {
            shift -= 4
            let digit = UInt8(truncatingIfNeeded: word >> shift) & 15
            buffer.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
