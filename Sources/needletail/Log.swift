// What a run says on standard error: lines for people or JSON for machines, and, on a terminal, one line of progress that is written over
// again and again.

internal import Diagnostics
internal import Events

final class Log {
    let format: LogFormat
    let level: LogLevel
    private var progressIsShown = false

    init(format: LogFormat = .text, level: LogLevel = .info) {
        self.format = format
        self.level = level
    }

    convenience init(_ options: Options) {
        self.init(format: options.logFormat, level: options.isQuiet ? .error : options.logLevel)
    }

    /// More about a message, for machines; values are JSON.
    typealias Fields = [(name: String, json: String)]

    /// Says one thing. The fields are for machines alone: people read the message.
    func write(_ level: LogLevel, _ message: String, _ fields: Fields = []) {
        guard level <= self.level else { return }
        clearProgress()
        switch format {
        case .text:
            let name = level == .info ? "" : level.rawValue + ": "
            Terminal.writeError("needletail: \(name)\(message)\n")
        case .json:
            var buffer = ByteBuffer()
            buffer.append("{\"time\":\"")
            buffer.append(time: WallClock.now())
            buffer.append("\",\"level\":\"")
            buffer.append(text: level.rawValue)
            buffer.append("\",\"message\":")
            buffer.append(jsonString: message)
            for (name, json) in fields {
                buffer.append(",")
                buffer.append(jsonString: name)
                buffer.append(":")
                buffer.append(text: json)
            }
            buffer.append("}\n")
            Terminal.writeError(buffer.string)
        }
    }

    func error(_ message: String) { write(.error, message) }

    /// What is wrong with rule files.
    func write(_ sink: DiagnosticSink, files: [SourceFile]) {
        clearProgress()
        var shown = DiagnosticSink()
        for diagnostic in sink.sorted() where diagnostic.severity == .error || level >= .warning { shown.report(diagnostic) }
        switch format {
        case .text:
            Terminal.writeError(TextRenderer(files: files, isColoured: Terminal.isErrorColoured).render(shown))
            if sink.omittedCount > 0 { Terminal.writeError("\(sink.omittedCount) more messages are not shown.\n") }
        case .json:
            let renderer = JSONRenderer(files: files)
            Terminal.writeError(shown.sorted().map { renderer.render($0) + "\n" }.joined())
        }
    }

    // MARK: - Progress

    /// Writes over the line of progress. Only where somebody watches, and alerts do not run over the same screen.
    var showsProgress: Bool {
        format == .text && level >= .info && Terminal.isErrorATerminal && !Terminal.isOutputATerminal
    }

    func showProgress(_ text: String) {
        guard showsProgress else { return }
        Terminal.writeError("\r\u{1B}[K" + text)
        progressIsShown = true
    }

    func clearProgress() {
        guard progressIsShown else { return }
        Terminal.writeError("\r\u{1B}[K")
        progressIsShown = false
    }
}

/// Numbers as people read them.
enum NumberText {
    /// `1,234,567`
    static func grouped(_ number: UInt64) -> String {
        var text = ""
        for (place, digit) in String(number).reversed().enumerated() {
            if place > 0, place % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    /// `1 alert`, `2 alerts`
    static func counted(_ number: UInt64, _ noun: String) -> String {
        "\(grouped(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    /// Seconds with two digits behind the point.
    static func seconds(_ microseconds: Int64) -> String {
        let hundredths = (microseconds + 5_000) / 10_000
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    /// Milliseconds with one digit behind the point.
    static func milliseconds(_ microseconds: Int64) -> String {
        let tenths = (microseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10)"
    }

    static func perSecond(_ count: UInt64, _ microseconds: Int64) -> UInt64 {
        guard microseconds > 0 else { return 0 }
        return UInt64(Double(count) * 1_000_000 / Double(microseconds))
    }

    /// RFC 3339.
    static func time(_ microseconds: Int64) -> String {
        var buffer = ByteBuffer()
        buffer.append(time: microseconds)
        return buffer.string
    }

    /// As JSON.
    static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer()
        buffer.append(jsonString: text)
        return buffer.string
    }
}
