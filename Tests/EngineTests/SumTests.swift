import Events
import Testing

@testable import Engine

@Suite struct SumTests {
    /// A sum and its squares as they stand in a thread's record.
    private final class Registers {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: ExactSum.size + ExactSquares.size, alignment: 8)
        init(_ values: [Scalar]) {
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: ExactSum.size + ExactSquares.size)
            for value in values { add(value) }
        }
        deinit { memory.deallocate() }
        func add(_ value: Scalar) {
            ExactSum.add(value, to: memory)
            ExactSquares.add(value, to: memory + ExactSum.size)
        }
        var total: Scalar { ExactSum.total(memory) }
        var average: Scalar { ExactSum.average(memory) }
        var deviation: Scalar { ExactSquares.standardDeviation(sum: memory, squares: memory + ExactSum.size) }
    }

    private func d(_ values: Double...) -> [Scalar] { values.map { Scalar(kind: ValueKind.double, bits: $0.bitPattern) } }
    private func i(_ values: Int64...) -> [Scalar] { values.map { .integer($0) } }

    /// A value in the accumulator's units, after its one rounding.
    private func units(_ value: Scalar) -> Whole {
        guard value.kind == ValueKind.double else { return Whole(value.wideInteger) << 96 }
        let double = value.asDouble
        return Whole(double.exponent < -44 ? (double * 0x1p96).rounded(.toNearestOrEven) * 0x1p-96 : double, unitsOf: 96)
    }

    private func check(_ values: [Scalar]) -> Bool {
        let registers = Registers(values)
        let exact = values.map(units)
        let sum = exact.reduce(Whole(0), +)
        let squares = exact.reduce(Whole(0)) { $0 + $1 * $1 }
        let count = Whole(Int128(values.count))
        func agrees(_ result: Scalar, _ numerator: Whole, _ denominator: Whole, exponent: Int, root: Int) -> Bool {
            guard result.kind == ValueKind.double else { return false }
            if numerator == Whole(0) { return result.asDouble == 0 }
            var positive = numerator
            positive.isNegative = false
            return (result.asDouble < 0) == numerator.isNegative
                && isNearest(result.asDouble.magnitude, to: positive, over: denominator, exponent: exponent, root: root)
        }
        guard agrees(registers.average, sum, count, exponent: 96, root: 1) else { return false }
        if values.contains(where: { $0.kind == ValueKind.double }) {
            guard agrees(registers.total, sum, Whole(1), exponent: 96, root: 1) else { return false }
        }
        guard values.count > 1 else { return registers.deviation.isUnknown }
        return agrees(registers.deviation, count * squares - sum * sum, count * (count - Whole(1)), exponent: 192, root: 2)
    }

    private func randomValues(_ generator: inout some RandomNumberGenerator, exponents: ClosedRange<Int>) -> [Scalar] {
        (0..<Int.random(in: 1...12, using: &generator)).map { _ in
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: return .integer(Int64.random(in: .min ... .max, using: &generator))
            case 1: return .wide(Int128(UInt64.random(in: 0 ... .max, using: &generator)))
            case 2: return .integer(Int64.random(in: -3...3, using: &generator))
            default:
                let significand = Double(UInt64.random(in: 1 << 52..<1 << 53, using: &generator)) * 0x1p-52
                let value = Double(sign: .plus, exponent: Int.random(in: exponents, using: &generator), significand: significand)
                return Scalar.double(Bool.random(using: &generator) ? -value : value)
            }
        }
    }

    @Test(arguments: [-5...5, -44...154, -44 ... -40, 150...154, -120...60, -99 ... -90])
    func agreesWithExactArithmetic(exponents: ClosedRange<Int>) {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<3000 {
            let values = randomValues(&generator, exponents: exponents)
            let isRight = check(values)
            #expect(isRight, "\(values.map { $0.kind == ValueKind.double ? "\($0.asDouble)" : "\($0.wideInteger)" })")
            if !isRight { return }
        }
    }

    @Test func nearlyEqualValuesKeepTheirSpread() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<3000 {
            let base = Double.random(in: 1e8...1e9, using: &generator)
            var values: [Scalar] = []
            var next = base
            for _ in 0..<Int.random(in: 2...9, using: &generator) {
                values.append(.double(next))
                if Bool.random(using: &generator) { next = next.nextUp }
            }
            #expect(check(values))
        }
    }

    @Test func noOrderChangesABit() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var values = randomValues(&generator, exponents: -44...156)
            let first = Registers(values)
            values.shuffle(using: &generator)
            let second = Registers(values)
            #expect(memcmpEqual(first.memory, second.memory, ExactSum.size + ExactSquares.size))
            #expect(first.deviation.bits == second.deviation.bits && first.total.bits == second.total.bits)
        }
    }

    private func memcmpEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
        (0..<count).allSatisfy { left.load(fromByteOffset: $0, as: UInt8.self) == right.load(fromByteOffset: $0, as: UInt8.self) }
    }

    /// Beyond the end of 256 bits and back again, in any order.
    @Test func sumsThatGoOverTheEndComeBack() {
        let large = 0x1.8p157
        let values = d(large, large, large, large, large, -large, -large, -large, -large)
        for rotation in 0..<values.count {
            let registers = Registers(Array(values[rotation...] + values[..<rotation]))
            #expect(registers.total.asDouble == large)
        }
        let over = Registers(d(large, large, large))
        #expect(over.total.isUnknown && over.average.isUnknown && over.deviation.isUnknown)
        over.add(.double(-large))
        #expect(over.total.asDouble == 2 * large)
        #expect(Registers(d(0x1p158)).total.isUnknown)
        #expect(Registers(d(0x1p158, -0x1p158)).total.isUnknown)
        #expect(Registers(d(1e308, 1)).deviation.isUnknown)
        let many = Registers(Array(repeating: d(0x1.fp157, -0x1.fp157), count: 40).flatMap { $0 })
        #expect(many.total.asDouble == 0 && many.deviation.isUnknown)
    }

    @Test func integersStayIntegers() {
        let registers = Registers(i(.max, .max))
        #expect(registers.total.kind == ValueKind.unsigned && registers.total.bits == UInt64.max - 1)
        registers.add(.integer(2))
        #expect(registers.total.isUnknown)
        registers.add(.integer(-3))
        #expect(registers.total.bits == UInt64.max - 2)
        #expect(Registers(i(.min)).total.int64 == .min)
        #expect(Registers(i(.min, -1)).total.isUnknown)
        #expect(Registers(i(1, 2)).average.asDouble == 1.5)
        #expect(Registers(i(1) + d(2)).total.kind == ValueKind.double)
        #expect(Registers([.unknown, .boolean(true)]).total.isUnknown)
    }

    @Test func knownDeviations() {
        #expect(Registers(i(2, 4, 4, 4, 5, 5, 7, 9)).deviation.asDouble == (32.0 / 7).squareRoot())
        #expect(Registers(i(1, 3)).deviation.asDouble == 2.0.squareRoot())
        #expect(Registers(i(5, 5, 5)).deviation.asDouble == 0)
        #expect(Registers(d(0.1, 0.1)).deviation.asDouble == 0)
        #expect(Registers(i(5)).deviation.isUnknown)
        #expect(Registers([]).deviation.isUnknown)
        #expect(Registers(i(.min, .max)).deviation.kind == ValueKind.double)
    }

    /// A count of some billions, as a loop over years could have.
    @Test func largeCounts() {
        let registers = Registers(i(1, 3))
        registers.memory.storeBytes(of: UInt64(1) << 63, toByteOffset: 32, as: UInt64.self)
        (registers.memory + ExactSum.size).storeBytes(of: UInt64.max, toByteOffset: 56, as: UInt64.self)
        #expect(registers.deviation.kind == ValueKind.double)
    }

    @Test func sizesFitTheRecord() {
        #expect(AggregateRegister.Kind.sum.size == ExactSum.size && AggregateRegister.Kind.sumOfSquares.size == ExactSquares.size)
        #expect(ExactSum.size % 8 == 0 && ExactSquares.size % 8 == 0)
    }
}
