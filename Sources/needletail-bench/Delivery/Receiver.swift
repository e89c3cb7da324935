internal import CMicrohttpd
internal import Glibc
internal import Synchronization

/// A webhook endpoint on the loopback that takes every alert at once.
final class Receiver: Sendable {
    /// Tells the server's thread where to count.
    private final class Counter: Sendable {
        let tally = Mutex(AlertTally())
    }

    private let counter = Counter()
    private let server = Mutex<Server?>(nil)
    let port: UInt16

    private struct Server: @unchecked Sendable {
        var handle: OpaquePointer
    }

    private static let bodyBytesMax = 64 << 20

    init() throws(BenchError) {
        let server = try Receiver.start(port: 0, counter)
        port = nt_receiver_port(server.handle)
        self.server.withLock { $0 = server }
    }

    deinit { stop() }

    private static func start(port: UInt16, _ counter: Counter) throws(BenchError) -> Server {
        let context = Unmanaged.passUnretained(counter).toOpaque()
        let handle = nt_receiver_start(
            port, bodyBytesMax,
            { context, bytes, count in
                let counter = Unmanaged<Counter>.fromOpaque(context!).takeUnretainedValue()
                counter.tally.withLock { $0.take(UnsafeRawBufferPointer(start: bytes, count: count)) }
            }, context)
        guard let handle else { throw .system("cannot listen on 127.0.0.1") }
        return Server(handle: handle)
    }

    var url: String { "http://127.0.0.1:\(port)/alerts" }
    var tally: AlertTally { counter.tally.withLock { $0 } }

    /// Takes no connections any more, and refuses them.
    func stop() {
        let running = server.withLock { server in
            defer { server = nil }
            return server
        }
        if let running { nt_receiver_stop(running.handle) }
    }

    /// Takes them again, on the same port.
    func resume() throws(BenchError) {
        let started = try Receiver.start(port: port, counter)
        server.withLock { $0 = started }
    }
}
