internal import Events
internal import Glibc

/// The different values of a loop's field: a register holds a chain of the events that brought a new value, from the last to the first.
///
///     0 the last node, or 0   4 how many, the highest bit for one that the event at hand brings and that is not in the blob yet
enum DistinctRegister {
    static let size = 8
    static let isPending: UInt32 = 1 << 31

    @inline(__always)
    static func head(_ register: UnsafeRawPointer) -> UInt32 { register.load(as: UInt32.self) }

    @inline(__always)
    static func count(_ register: UnsafeRawPointer) -> Int {
        Int(register.load(fromByteOffset: 4, as: UInt32.self) & ~isPending)
    }

    @inline(__always)
    static func isPending(_ register: UnsafeRawPointer) -> Bool {
        register.load(fromByteOffset: 4, as: UInt32.self) & isPending != 0
    }
}

extension Matcher {
    /// Counts the value of the event at hand where the register has no equal one.
    ///
    /// - Complexity: O(different values).
    func feedDistinct(_ aggregate: AggregateRegister, _ value: Scalar, register: UnsafeMutableRawPointer) {
        guard value.isNumber || value.kind == ValueKind.string || value.kind == ValueKind.boolean else { return }
        var node = DistinctRegister.head(register)
        while node != 0 {
            let place = evaluator.blob + Int(node)
            let other = evaluator.capturedValue(CaptureNode.event(place), column: aggregate.column)
            if compareScalars(value, other) == 0 { return }
            node = CaptureNode.previous(place)
        }
        let count = UInt32(DistinctRegister.count(register))
        register.storeBytes(of: (count + 1) | DistinctRegister.isPending, toByteOffset: 4, as: UInt32.self)
    }

    /// Writes the node of a value that the event at hand has brought.
    func storeDistinct(_ rule: RuleTables, _ record: UnsafeMutableRawPointer, event: UInt32, blob: Blob) {
        for index in 0..<rule.distinctCount {
            let register = record + rule.aggregates[Int(rule.distinct[index])].offset
            guard DistinctRegister.isPending(register) else { continue }
            let node = blob.take(CaptureNode.size)
            CaptureNode.write(
                previous: DistinctRegister.head(register), event: event, step: rule.aggregates[Int(rule.distinct[index])].step,
                to: blob.base + node)
            register.storeBytes(of: UInt32(node), as: UInt32.self)
            register.storeBytes(of: UInt32(DistinctRegister.count(register)), toByteOffset: 4, as: UInt32.self)
        }
    }
}

extension Evaluator {
    /// `values(l.f)`: the different values as a list, in the order in which they came.
    func distinctValues(_ register: UnsafeRawPointer, column: Int) -> Scalar {
        var events: [UInt32] = DistinctRegister.isPending(register) ? [CapturedEvent.current] : []
        var node = DistinctRegister.head(register)
        while node != 0 {
            let place = blob + Int(node)
            events.append(CaptureNode.event(place))
            node = CaptureNode.previous(place)
        }
        guard !events.isEmpty else { return .unknown }
        scratch.removeAll()
        scratch.append("[")
        for (index, event) in events.reversed().enumerated() {
            if index > 0 { scratch.append(",") }
            scratch.append(json: capturedValue(event, column: column))
        }
        scratch.append("]")
        let text = arena.allocate(scratch.count)
        text.update(from: scratch.bytes, count: scratch.count)
        var list = Scalar.text(UnsafePointer(text), scratch.count)
        list.kind = ValueKind.list
        return list
    }
}
