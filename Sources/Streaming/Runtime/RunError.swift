/// Why a run cannot go on.
public enum RunError: Error, Sendable {
    case source(SourceError)
    case sink(String)
    /// The reader of the alerts has gone: not a failure.
    case brokenPipe
    case reorderBufferFull(bytes: Int)
    /// Events that wait could not be put outside memory, or not be had back.
    case spill(SpillError)
    /// The state cannot be read or written; the last checkpoint stands.
    case state(StoreError)
    /// The state is of other rules, or of other inputs or outputs.
    case otherRun(String)

    init(_ error: SinkError) {
        switch error {
        case .brokenPipe: self = .brokenPipe
        case .failed(let message): self = .sink(message)
        }
    }
}
