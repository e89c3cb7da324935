internal import Engine
internal import Events
internal import RuleLanguage

/// Expressions to stack code.
struct ExpressionCompiler {
    let plan: RegisterPlan

    /// Code that leaves the expression's value on the stack.
    func compile(_ expression: Expression, _ builder: inout ProgramBuilder) throws(CompileError) -> CodeRange {
        builder.place(try instructions(expression, &builder))
    }

    func instructions(_ expression: Expression, _ builder: inout ProgramBuilder) throws(CompileError) -> [Instruction] {
        guard ExpressionCompiler.depth(expression) <= ExpressionCompiler.depthMax else { throw CompileError.expressionTooDeep }
        return try emit(expression, &builder)
    }

    /// Stack places that the engine has.
    static let depthMax = 256

    private static func depth(_ expression: Expression) -> Int {
        var most = 1
        for (index, child) in expression.children.enumerated() { most = max(most, index + depth(child)) }
        return most
    }

    private func emit(_ expression: Expression, _ builder: inout ProgramBuilder) throws(CompileError) -> [Instruction] {
        switch expression {
        case .constant(.list(let elements)):
            return try emit(.list(elements.map { .constant($0) }), &builder)
        case .constant(let value):
            return [Instruction(.constant, b: builder.constant(ProgramBuilder.constant(of: value)))]
        case .field(let path):
            return [Instruction(.field, b: builder.column(path))]
        case .key(let part):
            return [Instruction(.key, b: part)]
        case .eventTime:
            return [Instruction(.eventTime)]
        case .captured(let step, let path):
            return [Instruction(.referenceField, a: plan.offset(.last, step: step, column: -1), b: builder.column(path))]
        case .capturedTime(let step):
            return [Instruction(.referenceTime, a: plan.offset(.last, step: step, column: -1))]
        case .edgeField(let edge, let step, let path):
            let kind: AggregateRegister.Kind = edge == .first ? .first : .last
            return [Instruction(.referenceField, a: plan.offset(kind, step: step, column: -1), b: builder.column(path))]
        case .edgeTime(let edge, let step):
            let kind: AggregateRegister.Kind = edge == .first ? .first : .last
            return [Instruction(.referenceTime, a: plan.offset(kind, step: step, column: -1))]
        case .aggregate(let aggregate, let step, let path):
            return try [emitAggregate(aggregate, step, path, &builder)]
        case .not(let operand):
            return try emit(operand, &builder) + [Instruction(.not)]
        case .and(let operands):
            return try emitJunction(operands, skip: .skipIfFalse, join: .and, &builder)
        case .or(let operands):
            return try emitJunction(operands, skip: .skipIfTrue, join: .or, &builder)
        case .compare(let comparison, let left, let right):
            return try emit(left, &builder) + emit(right, &builder) + [Instruction(ExpressionCompiler.opcode(comparison))]
        case .arithmetic(let operation, let left, let right):
            return try emit(left, &builder) + emit(right, &builder) + [Instruction(ExpressionCompiler.opcode(operation))]
        case .negate(let operand):
            return try emit(operand, &builder) + [Instruction(.negate)]
        case .coalesce(let first, let second):
            let other = try emit(second, &builder)
            return try emit(first, &builder) + [Instruction(.skipIfKnown, b: other.count)] + other
        case .isMissing(let operand):
            return try emit(operand, &builder) + [Instruction(.isMissing)]
        case .isIn(let value, let list):
            return try emitMembership(value, list, &builder)
        case .isInField(let value, let list):
            return try emit(value, &builder) + emit(list, &builder) + [Instruction(.isInField)]
        case .like(let value, let pattern):
            return try emit(value, &builder) + [Instruction(.like, b: builder.constant(.string(Array(pattern.utf8))))]
        case .matches(let value, let pattern):
            return try emit(value, &builder) + [Instruction(.matches, b: builder.pattern(pattern))]
        case .call(let function, let arguments):
            var code: [Instruction] = []
            for argument in arguments { code += try emit(argument, &builder) }
            return code + [Instruction(.call, a: arguments.count, b: Int(ExpressionCompiler.code(function).rawValue))]
        case .list(let elements):
            var code: [Instruction] = []
            for element in elements { code += try emit(element, &builder) }
            return code + [Instruction(.makeList, a: elements.count)]
        }
    }

    private func emitAggregate(
        _ aggregate: Expression.Aggregate, _ step: Int, _ path: FieldPath?, _ builder: inout ProgramBuilder
    ) throws(CompileError) -> Instruction {
        let column = path.map { builder.column($0) } ?? -1
        switch aggregate {
        case .count: return Instruction(.count, a: plan.offset(.count, step: step, column: column))
        case .sum: return Instruction(.sum, a: plan.offset(.sum, step: step, column: column))
        case .avg: return Instruction(.average, a: plan.offset(.sum, step: step, column: column))
        case .stddev:
            return Instruction(
                .standardDeviation, a: plan.offset(.sum, step: step, column: column),
                b: plan.offset(.sumOfSquares, step: step, column: column))
        case .min: return Instruction(.referenceField, a: plan.offset(.minimum, step: step, column: column), b: column)
        case .max: return Instruction(.referenceField, a: plan.offset(.maximum, step: step, column: column), b: column)
        case .first: return Instruction(.referenceField, a: plan.offset(.first, step: step, column: column), b: column)
        case .last: return Instruction(.referenceField, a: plan.offset(.last, step: step, column: column), b: column)
        case .distinct: return Instruction(.distinct, a: plan.offset(.distinct, step: step, column: column))
        case .values: return Instruction(.values, a: plan.offset(.distinct, step: step, column: column), b: column)
        }
    }

    /// Operands from left to right; once the result is certain the rest is left out.
    private func emitJunction(
        _ operands: [Expression], skip: Opcode, join: Opcode, _ builder: inout ProgramBuilder
    ) throws(CompileError) -> [Instruction] {
        guard let first = operands.first else {
            return [Instruction(.constant, b: builder.constant(.boolean(join == .and)))]
        }
        var code = try emit(first, &builder)
        for operand in operands.dropFirst() {
            let next = try emit(operand, &builder)
            code += [Instruction(skip, b: next.count + 1)] + next + [Instruction(join)]
        }
        return code
    }

    private func emitMembership(
        _ value: Expression, _ list: [Expression], _ builder: inout ProgramBuilder
    ) throws(CompileError) -> [Instruction] {
        var constants: [Constant] = []
        for element in list {
            guard case .constant(let constant) = element else { break }
            constants.append(ProgramBuilder.constant(of: constant))
        }
        if constants.count == list.count {
            return try emit(value, &builder) + [Instruction(.isInConstants, b: builder.constantList(constants))]
        }
        var code = try emit(value, &builder)
        for element in list { code += try emit(element, &builder) }
        return code + [Instruction(.isInValues, a: list.count)]
    }

    private static func code(_ function: Function) -> FunctionCode {
        switch function {
        case .abs: .abs
        case .round: .round
        case .floor: .floor
        case .ceil: .ceil
        case .min: .min
        case .max: .max
        case .sqrt: .sqrt
        case .log: .log
        case .lower: .lower
        case .upper: .upper
        case .length: .length
        case .contains: .contains
        case .startsWith: .startsWith
        case .endsWith: .endsWith
        case .substring: .substring
        case .split: .split
        case .concat: .concat
        case .distanceKilometres: .distanceKilometres
        case .cidr: .cidr
        case .hour: .hour
        case .weekday: .weekday
        case .element: .element
        }
    }

    private static func opcode(_ comparison: Expression.Comparison) -> Opcode {
        switch comparison {
        case .equal: .equal
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        }
    }

    private static func opcode(_ operation: Expression.Arithmetic) -> Opcode {
        switch operation {
        case .add: .add
        case .subtract: .subtract
        case .multiply: .multiply
        case .divide: .divide
        case .remainder: .remainder
        }
    }
}
