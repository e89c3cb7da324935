internal import Events
internal import Glibc

/// Keeping the rows of a list that satisfy one condition, a column at a time.
extension EventTester {
    /// Writes the rows that pass to `kept`; gives how many.
    func filter(
        _ condition: TestTree.Condition, _ view: BatchView, _ source: UnsafePointer<UInt32>, _ count: Int,
        into kept: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let bound = condition.bound
        switch condition.conjunct {
        case .compare(let column, let relation, _):
            // Numbers against doubles and small integers compare as doubles, without a branch on the kind of the constant.
            if bound.kind == ValueKind.double || (bound.kind == ValueKind.integer && abs(bound.nearestDouble) < 9e15) {
                return filterNumbers(view, column, relation, bound, source, count, kept)
            }
            if bound.kind == ValueKind.string && (relation == .equal || relation == .notEqual) {
                return filterTexts(view, column, relation == .equal, bound, source, count, kept)
            }
            return filterAny(view, column, relation, bound, source, count, kept)
        case .code(let range):
            return filterByCode(range, view, source, count, kept)
        }
    }

    private func filterByCode(
        _ range: CodeRange, _ view: BatchView, _ source: UnsafePointer<UInt32>, _ count: Int, _ passed: UnsafeMutablePointer<UInt32>
    ) -> Int {
        var kept = 0
        evaluator.hasRow = true
        for index in 0..<count {
            let row = Int(source[index])
            evaluator.row = EventRow(view: view, row: row, time: view.times[row], arrival: 0, type: Int(types[row]))
            evaluator.now = view.times[row]
            evaluator.arena.reset()
            if evaluator.isTrue(range) {
                passed[kept] = UInt32(row)
                kept += 1
            }
        }
        return kept
    }

    private func filterNumbers(
        _ view: BatchView, _ column: Int, _ relation: Conjunct.Relation, _ bound: Scalar, _ source: UnsafePointer<UInt32>, _ count: Int,
        _ passed: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let limit = bound.nearestDouble
        // A loop of its own for each relation: the choice is made once.
        switch relation {
        case .equal: return filterNumbers(view, column, relation, bound, source, count, passed) { $0 == limit }
        case .notEqual: return filterNumbers(view, column, relation, bound, source, count, passed) { $0 != limit }
        case .less: return filterNumbers(view, column, relation, bound, source, count, passed) { $0 < limit }
        case .lessOrEqual: return filterNumbers(view, column, relation, bound, source, count, passed) { $0 <= limit }
        case .greater: return filterNumbers(view, column, relation, bound, source, count, passed) { $0 > limit }
        case .greaterOrEqual: return filterNumbers(view, column, relation, bound, source, count, passed) { $0 >= limit }
        }
    }

    @inline(__always)
    private func filterNumbers(
        _ view: BatchView, _ column: Int, _ relation: Conjunct.Relation, _ bound: Scalar, _ source: UnsafePointer<UInt32>, _ count: Int,
        _ passed: UnsafeMutablePointer<UInt32>, holds: (Double) -> Bool
    ) -> Int {
        let kinds = view.kinds + column * view.rowCapacity
        let payloads = view.payloads + column * view.rowCapacity
        var kept = 0
        for index in 0..<count {
            let row = Int(source[index])
            let kind = kinds[row]
            let passes: Bool
            if kind == ValueKind.double {
                passes = holds(Double(bitPattern: payloads[row]))
            } else if kind == ValueKind.unknown {
                passes = false
            } else {
                passes = holdsSlowly(relation, Scalar(kind: kind, bits: payloads[row]), bound)
            }
            passed[kept] = UInt32(row)
            kept += passes ? 1 : 0
        }
        return kept
    }

    private func filterTexts(
        _ view: BatchView, _ column: Int, _ isEqual: Bool, _ bound: Scalar, _ source: UnsafePointer<UInt32>, _ count: Int,
        _ passed: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let text = bound.address
        var kept = 0
        for index in 0..<count {
            let row = source[index]
            let value = view.value(column: column, row: Int(row))
            var passes = false
            if value.kind == ValueKind.string {
                passes = (value.length == bound.length && memcmp(value.address, text, Int(bound.length)) == 0) == isEqual
            } else if !value.isUnknown {
                evaluator.typeMismatches &+= 1
            }
            passed[kept] = row
            kept += passes ? 1 : 0
        }
        return kept
    }

    private func filterAny(
        _ view: BatchView, _ column: Int, _ relation: Conjunct.Relation, _ bound: Scalar, _ source: UnsafePointer<UInt32>, _ count: Int,
        _ passed: UnsafeMutablePointer<UInt32>
    ) -> Int {
        var kept = 0
        for index in 0..<count {
            let row = source[index]
            let value = view.value(column: column, row: Int(row))
            let passes = value.isUnknown ? false : holdsSlowly(relation, value, bound)
            passed[kept] = row
            kept += passes ? 1 : 0
        }
        return kept
    }

    private func holdsSlowly(_ relation: Conjunct.Relation, _ value: Scalar, _ bound: Scalar) -> Bool {
        guard let order = compareScalars(value, bound) else {
            evaluator.typeMismatches &+= 1
            return false
        }
        switch relation {
        case .equal: return order == 0
        case .notEqual: return order != 0
        default: break
        }
        guard bound.kind != ValueKind.boolean else {
            evaluator.typeMismatches &+= 1
            return false
        }
        switch relation {
        case .less: return order < 0
        case .lessOrEqual: return order <= 0
        case .greater: return order > 0
        default: return order >= 0
        }
    }
}
