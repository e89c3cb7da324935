import Events
import Testing

@testable import Engine

@Suite struct EvaluatorTests {
    private func value(_ code: [Instruction], _ constants: [Constant]) -> String {
        let bench = EvaluatorBench(code: code, constants: constants)
        let result = bench.evaluator.evaluate(CodeRange(start: 0, count: code.count))
        return bench.shown(result) + (bench.evaluator.typeMismatches > 0 ? "!" : "")
    }

    private func call(_ function: FunctionCode, count: Int) -> Instruction { Instruction(.call, a: count, b: Int(function.rawValue)) }
    private func push(_ index: Int) -> Instruction { Instruction(.constant, b: index) }
    private func text(_ string: String) -> Constant { .string(Array(string.utf8)) }

    @Test func callsAndLists() {
        let constants = [text("a,b"), text(","), .integer(1), text("b"), .unknown]
        #expect(value([push(0), push(1), call(.split, count: 2), push(2), call(.element, count: 2)], constants) == "\"b\"")
        #expect(value([push(3), push(0), push(1), call(.split, count: 2), Instruction(.isInField)], constants) == "true")
        #expect(value([push(2), push(0), push(1), call(.split, count: 2), Instruction(.isInField)], constants) == "null!")
        #expect(value([push(4), push(0), push(1), call(.split, count: 2), Instruction(.isInField)], constants) == "null")
        #expect(value([push(3), push(4), Instruction(.isInField)], constants) == "null")
        #expect(value([push(3), push(3), Instruction(.isInField)], constants) == "null!")
        #expect(value([push(0), push(2), push(4), Instruction(.makeList, a: 3)], constants) == #"["a,b",1,null]"#)
        #expect(value([Instruction(.makeList, a: 0)], constants) == "[]")
        #expect(value([push(2), Instruction(.makeList, a: 0), Instruction(.isInField)], constants) == "false")
    }

    @Test func membership() {
        let constants: [Constant] = [.integer(2), .integer(1), .double(2.0.bitPattern), .unknown, text("x")]
        #expect(value([push(0), push(1), push(2), Instruction(.isInValues, a: 2)], constants) == "true")
        #expect(value([push(0), push(1), push(3), Instruction(.isInValues, a: 2)], constants) == "null")
        #expect(value([push(0), push(1), push(1), Instruction(.isInValues, a: 2)], constants) == "false")
        #expect(value([push(0), push(1), push(4), Instruction(.isInValues, a: 2)], constants) == "null!")
        #expect(value([push(4), push(1), push(4), Instruction(.isInValues, a: 2)], constants) == "true")
        #expect(value([push(3), push(1), push(1), Instruction(.isInValues, a: 2)], constants) == "null")
        #expect(value([push(3), Instruction(.isInValues, a: 0)], constants) == "false")
    }

    @Test func standardDeviationOfARecord() {
        let code = [Instruction(.standardDeviation, a: 8, b: 56)]
        let bench = EvaluatorBench(code: code, constants: [])
        let record = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 8)
        defer { record.deallocate() }
        record.initializeMemory(as: UInt8.self, repeating: 0, count: 128)
        bench.evaluator.record = UnsafeRawPointer(record)
        for number in [Int64(1), 3] {
            #expect(bench.evaluator.evaluate(CodeRange(start: 0, count: 1)).isUnknown)
            ExactSum.add(.integer(number), to: record + 8)
            ExactSquares.add(.integer(number), to: record + 56)
        }
        #expect(bench.evaluator.evaluate(CodeRange(start: 0, count: 1)).asDouble == 2.0.squareRoot())
    }

    /// Conditions of many threads need the arena of one, whether or not it had to grow.
    @Test func conditionsLeaveNoText() {
        let long = text(String(repeating: "X", count: 3000))
        let code = [push(0), call(.lower, count: 1), push(0), call(.lower, count: 1), Instruction(.equal)]
        let bench = EvaluatorBench(code: code, constants: [long])
        let kept = bench.evaluator.arena.allocate(8)
        kept.update(repeating: 7, count: 8)
        #expect(bench.evaluator.isTrue(CodeRange(start: 0, count: 5)))
        let first = bench.evaluator.arena.allocate(1)
        for _ in 0..<1000 { #expect(bench.evaluator.isTrue(CodeRange(start: 0, count: 5))) }
        let second = bench.evaluator.arena.allocate(1)
        #expect(second == first + 1)
        #expect((0..<8).allSatisfy { kept[$0] == 7 })
        bench.evaluator.arena.reset()
        #expect(bench.evaluator.isTrue(CodeRange(start: 0, count: 5)))
    }

    @Test func integersAndDoublesCompareExactly() {
        let two53: Int64 = 1 << 53
        let tiny = Double.leastNonzeroMagnitude
        let cases: [(Scalar, Double, Int)] = [
            (.integer(two53 + 1), 0x1p53, 1), (.integer(two53), 0x1p53, 0), (.integer(two53 - 1), 0x1p53, -1),
            (.integer(.max), 0x1p63, -1), (.integer(.min), -0x1p63, 0), (.integer(.min), (-0x1p63).nextDown, 1),
            (Scalar(kind: ValueKind.unsigned, bits: .max), 0x1p64, -1), (Scalar(kind: ValueKind.unsigned, bits: 1 << 63), 0x1p63, 0),
            (.integer(0), -0.0, 0), (.integer(0), tiny, -1), (.integer(0), -tiny, 1),
            (.integer(-1), -0.5, -1), (.integer(-1), -1.5, 1),
            (.integer(1), 1e308, -1), (.integer(1), -1e308, 1),
        ]
        for (integer, double, order) in cases {
            let other = Scalar(kind: ValueKind.double, bits: double.bitPattern)
            #expect(compareScalars(integer, other) == order, "\(integer.wideInteger) and \(double)")
            #expect(compareScalars(other, integer) == -order, "\(double) and \(integer.wideInteger)")
        }
    }

    /// Quotients of integers are rounded once, however far apart the two are.
    @Test func quotientsAreRoundedOnce() {
        let bench = EvaluatorBench()
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let top = UInt64.random(in: 1 ... .max, using: &generator) >> UInt64.random(in: 0..<64, using: &generator)
            let bottom = UInt64.random(in: 1 ... .max, using: &generator) >> UInt64.random(in: 0..<64, using: &generator)
            guard top > 0, bottom > 0 else { continue }
            let result = bench.evaluator.arithmetic(.divide, .wide(Int128(top)), .wide(Int128(bottom))).asDouble
            let isRight = isNearest(result, to: Whole(Int128(top)), over: Whole(Int128(bottom)), exponent: 0, root: 1)
            #expect(isRight, "\(top) / \(bottom) gave \(result)")
            if !isRight { return }
        }
        let zero = bench.evaluator.arithmetic(.divide, .integer(0), .integer(.min))
        #expect(zero.asDouble == 0)
        #expect(bench.evaluator.arithmetic(.divide, .integer(.min), .integer(0)).isUnknown)
    }

    /// Every operator on every pair of values: nothing traps.
    @Test func arithmeticTrapsOnNothing() {
        let bench = EvaluatorBench()
        let values: [Scalar] = [
            .unknown, .boolean(true), .integer(0), .integer(-1), .integer(.min), .integer(.max),
            Scalar(kind: ValueKind.unsigned, bits: .max), .double(0), .double(-0.0), .double(1e308), .double(Double.leastNonzeroMagnitude),
            .time(.min), .time(.max), .duration(.min), .duration(.max), .duration(-1),
            bench.text("x"), bench.list("[]"), Scalar(kind: ValueKind.object, bits: 0),
        ]
        for opcode in [Opcode.add, .subtract, .multiply, .divide, .remainder] {
            for left in values {
                _ = bench.evaluator.negated(left)
                for right in values {
                    let result = bench.evaluator.arithmetic(opcode, left, right)
                    #expect(result.kind != ValueKind.double || result.asDouble.isFinite)
                }
            }
        }
    }
}
