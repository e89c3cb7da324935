/// A rule that the checker let pass and the engine cannot run.
public enum CompileError: Error, Equatable {
    case expressionTooDeep
    /// Its loops, options and groups combine to more target sets than the engine holds.
    case patternTooComplex
    case unsupported(String)

    public var message: String {
        switch self {
        case .expressionTooDeep: "this expression is nested too deeply; split it into several `let`s or conditions"
        case .patternTooComplex: "this pattern combines too many loops and options; split it into several rules"
        case .unsupported(let what): "\(what) is not supported by this version of Needletail"
        }
    }
}
