/// A rule that the checker let pass and the engine cannot run.
public enum CompileError: Error, Equatable {
    case expressionTooDeep
    /// Its loops, options and groups combine to more target sets than the engine holds.
    case patternTooComplex
    /// Its aggregates and captures need more room in each thread than the engine has.
    case tooManyRegisters
    /// All rules together: more rules or event types than the engine numbers.
    case programTooLarge
    case unsupported(String)

    public var message: String {
        switch self {
        case .expressionTooDeep: "this expression is nested too deeply; split it into several `let`s or conditions"
        case .patternTooComplex: "this pattern combines too many loops and options; split it into several rules"
        case .tooManyRegisters: "it asks for more aggregates than one rule can keep; split it into several rules"
        case .programTooLarge: "one run takes at most 60,000 rules and 60,000 event types; give fewer rule files to it"
        case .unsupported(let what): "\(what) is not supported by this version of Needletail"
        }
    }
}
