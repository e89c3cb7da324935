import Foundation
import TLSServer
import Testing

import Streaming

struct TestRequest {
    var head: String
    var body: [UInt8]

    func header(_ name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name { return parts[1].trimmingCharacters(in: .whitespaces) }
        }
        return nil
    }
}

/// What the server does with a request that it has read.
enum TestReply {
    case answer(Int, headers: [String] = [], body: String = "", delayMilliseconds: Int = 0)
    /// A byte every few milliseconds.
    case drip(Int)
    /// A head that promises more than ever comes.
    case neverEnds
    /// So many bytes of body.
    case huge(Int)
    case hugeHead
    case garbage
    case reset
    /// Says nothing.
    case hang(milliseconds: Int)
    /// Interim answers without end.
    case continues
}

/// An HTTP/1.1 server that misbehaves as it is told, on a free port of the loopback; a thread for each connection.
final class TestServer: @unchecked Sendable {
    // @unchecked: what threads share is touched under the lock.

    let host: String
    let port: Int
    private let lock = Lock()
    private let reply: @Sendable (TestRequest) -> TestReply
    private let resetsBeforeReading: @Sendable () -> Bool
    private let tls: OpaquePointer?
    private var listening: Int32
    private var open: Set<Int32> = []
    private var isStopped = false
    private var connections = 0

    var url: String { "http\(tls == nil ? "" : "s")://\(host):\(port)/hook" }
    var connectionCount: Int { lock.locked { connections } }

    /// - Parameter number: gives the server an address of its own on the loopback, 127.1.x.y: while it is paused another one could take its port.
    init(
        tls: OpaquePointer? = nil, number: Int? = nil, resetsBeforeReading: @escaping @Sendable () -> Bool = { false },
        reply: @escaping @Sendable (TestRequest) -> TestReply
    ) throws {
        self.tls = tls
        self.reply = reply
        self.resetsBeforeReading = resetsBeforeReading
        host = number.map { "127.1.\($0 / 200 % 200).\($0 % 200 + 1)" } ?? "127.0.0.1"
        (listening, port) = try Self.listen(host, port: 0)
        acceptLater(listening)
    }

    private static func listen(_ host: String, port: Int) throws -> (Int32, Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        var count = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, count) == 0 && Glibc.listen(descriptor, 512) == 0 && getsockname(descriptor, $0, &count) == 0
            }
        }
        guard isBound else { throw CocoaError(.fileNoSuchFile) }
        return (descriptor, Int(in_port_t(bigEndian: address.sin_port)))
    }

    private func acceptLater(_ listening: Int32) {
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listening, nil, nil)
                guard connection >= 0 else {
                    // Closed here and nowhere else: the number may soon be another socket's.
                    close(listening)
                    break
                }
                let isTaken = lock.locked { () -> Bool in
                    guard !isStopped else { return false }
                    connections += 1
                    open.insert(connection)
                    return true
                }
                guard isTaken else {
                    close(connection)
                    continue
                }
                Thread.detachNewThread { [self] in serve(connection) }
            }
        }
    }

    /// Refuses new connections.
    func pause() {
        let descriptor = lock.locked { () -> Int32 in
            defer { listening = -1 }
            return listening
        }
        if descriptor >= 0 { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    func resume() throws {
        let (descriptor, _) = try Self.listen(host, port: port)
        lock.locked { listening = descriptor }
        acceptLater(descriptor)
    }

    func stop() {
        lock.locked { isStopped = true }
        pause()
        lock.locked { for connection in open { shutdown(connection, Int32(SHUT_RDWR)) } }
    }

    // MARK: A connection

    private struct Wire {
        let descriptor: Int32
        let tls: OpaquePointer?

        func read(_ room: UnsafeMutableRawBufferPointer) -> Int {
            tls.map { nt_tls_read($0, room.baseAddress, room.count) } ?? Glibc.recv(descriptor, room.baseAddress, room.count, 0)
        }

        func write(_ bytes: [UInt8]) -> Bool {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    tls != nil ? nt_tls_write(tls, $0.baseAddress, $0.count) : Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }

        func write(_ text: String) -> Bool { write(Array(text.utf8)) }
    }

    private func serve(_ descriptor: Int32) {
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        var isReset = false
        var connection: OpaquePointer?
        if let tls { connection = nt_tls_accept(tls, descriptor) }
        if tls == nil || connection != nil {
            let wire = Wire(descriptor: descriptor, tls: connection)
            var pending: [UInt8] = []
            while true {
                // A reset takes back what the other side has not read: so it waits for the next request.
                var byte: UInt8 = 0
                if tls == nil, recv(descriptor, &byte, 1, Int32(MSG_PEEK)) == 1, resetsBeforeReading() {
                    isReset = true
                    break
                }
                guard let request = Self.read(wire, &pending), send(reply(request), wire, &isReset) else { break }
            }
        }
        if let connection { nt_tls_close(connection) }
        if isReset {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        }
        lock.locked { _ = open.remove(descriptor) }
        close(descriptor)
    }

    private static func read(_ wire: Wire, _ pending: inout [UInt8]) -> TestRequest? {
        var room = [UInt8](repeating: 0, count: 64 << 10)
        let end = Array("\r\n\r\n".utf8)
        func more() -> Bool {
            let count = room.withUnsafeMutableBytes { wire.read($0) }
            guard count > 0 else { return false }
            pending += room[..<count]
            return true
        }
        while true {
            if let place = pending.indices.dropLast(3).first(where: { pending[$0..<$0 + 4].elementsEqual(end) }) {
                var request = TestRequest(head: String(decoding: pending[..<place], as: UTF8.self), body: [])
                let count = Int(request.header("content-length") ?? "") ?? 0
                while pending.count < place + 4 + count { guard more() else { return nil } }
                request.body = Array(pending[(place + 4)..<(place + 4 + count)])
                pending.removeFirst(place + 4 + count)
                return request
            }
            guard more() else { return nil }
        }
    }

    /// False where the connection ends.
    private func send(_ reply: TestReply, _ wire: Wire, _ isReset: inout Bool) -> Bool {
        switch reply {
        case .answer(let status, let headers, let body, let delay):
            if delay > 0 { usleep(UInt32(delay) * 1000) }
            let more = headers.map { $0 + "\r\n" }.joined()
            let length = status == 204 ? "" : "Content-Length: \(body.utf8.count)\r\n"
            return wire.write("HTTP/1.1 \(status) X\r\n\(length)\(more)\r\n\(status == 204 ? "" : body)")
        case .drip(let status):
            for byte in "HTTP/1.1 \(status) X\r\nContent-Length: 4\r\n\r\nslow".utf8 {
                usleep(1000)
                guard wire.write([byte]) else { return false }
            }
            return true
        case .neverEnds:
            guard wire.write("HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\n") else { return false }
            while wire.write(" ") { usleep(5000) }
            return false
        case .huge(let count):
            guard wire.write("HTTP/1.1 200 X\r\nContent-Length: \(count)\r\n\r\n") else { return false }
            let piece = [UInt8](repeating: 120, count: 1 << 20)
            var left = count
            while left > 0 {
                guard wire.write(Array(piece.prefix(left))) else { return false }
                left -= min(left, piece.count)
            }
            return true
        case .hugeHead:
            guard wire.write("HTTP/1.1 200 X\r\n") else { return false }
            while wire.write("X-More: " + String(repeating: "x", count: 1000) + "\r\n") {}
            return false
        case .garbage:
            _ = wire.write((0..<300).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 7) })
            return false
        case .reset:
            isReset = true
            return false
        case .hang(let milliseconds):
            usleep(UInt32(milliseconds) * 1000)
            return false
        case .continues:
            while wire.write("HTTP/1.1 100 Continue\r\n\r\n") {}
            return false
        }
    }
}
