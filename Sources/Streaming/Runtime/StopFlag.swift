internal import Synchronization

/// A request to stop, set from a signal or another thread.
public final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    public init() {}

    public var isSet: Bool { flag.load(ordering: .acquiring) }

    /// Whether it was set; it is not any more.
    public func take() -> Bool { flag.exchange(false, ordering: .acquiringAndReleasing) }

    public func set() {
        flag.store(true, ordering: .releasing)
    }
}
