// One poll(2) for all inputs and for the request to stop.
//
// A wait must end when somebody asks the run to stop, without a moment in which the request could be missed: a descriptor that becomes
// readable with the request, and stays so, is waited for beside the inputs.

public import Streaming
internal import Glibc

/// What a source needs before it can be read.
enum SourceReadiness {
    /// Nothing: it has bytes, or its end, or a failure to tell.
    case ready
    /// That this descriptor is readable.
    case descriptor(Int32)
    /// To be asked again: once this descriptor is readable (-1: there is none), and after ``PollSelector/recheckMilliseconds`` anyway.
    case recheck(Int32)
}

/// A source of this module, which knows what it waits for.
protocol WaitingSource: Source {
    var readiness: SourceReadiness { get }

    /// Its descriptor has been found readable: the next read need not ask again.
    func noteReadiness()
}

/// Waits for files, pipes and files that grow.
public final class PollSelector: SourceSelector {
    private let stopDescriptor: Int32

    /// How often a file is looked at that no descriptor tells about.
    static let recheckMilliseconds: Int64 = 200

    /// - Parameter stopDescriptor: becomes readable, and stays so, when reading shall end.
    public init(stopDescriptor: Int32? = nil) {
        // A negative descriptor is one that poll leaves out.
        self.stopDescriptor = stopDescriptor ?? -1
    }

    public func wait(for sources: [any Source], timeoutMicroseconds: Int64?) -> [Int] {
        let start = SystemClock.microseconds(CLOCK_MONOTONIC)
        while true {
            var ready: [Int] = []
            var polled = [pollfd(fd: stopDescriptor, events: Int16(POLLIN), revents: 0)]
            var places = [-1]
            var mustRecheck = false
            for (place, source) in sources.enumerated() {
                switch (source as? any WaitingSource)?.readiness ?? .ready {
                case .ready: ready.append(place)
                case .descriptor(let descriptor):
                    polled.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
                    places.append(place)
                case .recheck(let descriptor):
                    polled.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
                    places.append(-1)
                    mustRecheck = true
                }
            }
            // Files alone: no reason to ask the system.
            if ready.count == sources.count && !sources.isEmpty { return ready }
            var left: Int64?
            if let timeoutMicroseconds {
                left = ready.isEmpty ? max(0, timeoutMicroseconds - (SystemClock.microseconds(CLOCK_MONOTONIC) - start)) : 0
            } else if !ready.isEmpty {
                left = 0
            }
            // Rounded up: a wait that ends too early would only begin anew.
            var milliseconds = left.map { $0 / 1000 + ($0 % 1000 == 0 ? 0 : 1) } ?? -1
            if mustRecheck && (milliseconds < 0 || milliseconds > PollSelector.recheckMilliseconds) {
                milliseconds = PollSelector.recheckMilliseconds
            }
            let count = poll(&polled, nfds_t(polled.count), Int32(clamping: milliseconds))
            // A signal, or no memory: whoever asked looks at the request to stop and comes back.
            guard count >= 0, polled[0].revents == 0 else { return [] }
            for index in polled.indices where polled[index].revents != 0 && places[index] >= 0 {
                (sources[places[index]] as? any WaitingSource)?.noteReadiness()
                ready.append(places[index])
            }
            if !ready.isEmpty { return ready.sorted() }
            if let left, left == 0 || (count == 0 && left <= milliseconds * 1000) { return [] }
        }
    }
}
