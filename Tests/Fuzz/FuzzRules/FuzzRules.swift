internal import Diagnostics
internal import RuleCompiler
internal import RuleLanguage

/// Any bytes as a rule file: parsed, checked, compiled, and what is said about them rendered.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let file = SourceFile(path: "fuzz.rule", bytes: Array(UnsafeBufferPointer(start: data, count: count)))
    var sink = DiagnosticSink()
    let rules = RuleSet.load([file], into: &sink)
    precondition((rules == nil) == sink.hasErrors, "rules are loaded where there is no error")
    for diagnostic in sink.diagnostics {
        precondition(
            diagnostic.span.lower >= 0 && diagnostic.span.lower <= diagnostic.span.upper && Int(diagnostic.span.upper) <= count,
            "a place lies in the file")
    }
    _ = TextRenderer(files: [file]).render(sink)
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ test: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// The package manager links programs with this name for `main`, so libFuzzer's own is never taken in.
@_cdecl("FuzzRules_main")
public func start(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments) { fuzzOneInput($0, $1) }
}
