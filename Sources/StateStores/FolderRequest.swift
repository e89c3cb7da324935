internal import Glibc
internal import Streaming

// What another process asks of the one that runs with a state folder: it leaves a file there and sends SIGUSR1, and waits for another file
// with the answer. Both are written aside and renamed, so that nobody reads half of them.

extension StateFolder {
    /// One kind of request, and the files that carry it.
    enum Request: String {
        case savepoint, deliveries

        private static let countMax = 1 << 20
        private static let waitMicroseconds: UInt32 = 20_000

        private var requestName: String { rawValue + ".request" }
        private var answerName: String { rawValue + ".answer" }

        // MARK: In the process that runs

        func isLeft(in path: String) -> Bool { access(path + "/" + requestName, F_OK) == 0 }

        /// The request that was left, if there is one; it is taken away.
        func take(from path: String) -> (identifier: String, text: String)? {
            let file = path + "/" + requestName
            guard isLeft(in: path) else { return nil }
            defer { unlink(file) }
            guard let content = try? Disk.content(of: file, countMax: Self.countMax) else { return nil }
            let lines = String(decoding: content, as: UTF8.self).split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
            return lines.count == 2 ? (String(lines[0]), String(lines[1])) : nil
        }

        func answer(_ identifier: String, _ message: String, isGood: Bool, in path: String) {
            Disk.leave("\(identifier)\n\(isGood ? "done" : "failed")\n\(message)", as: answerName, in: path)
        }

        // MARK: In the other

        /// Asks the process that runs with a folder, and waits for what it says.
        func ask(_ text: String, of path: String, from owner: Int32, timeoutSeconds: Int) throws(StoreError) -> String {
            let identifier = "\(getpid())-\(UInt64.random(in: .min ... .max))"
            let content = "\(identifier)\n\(text)"
            guard content.utf8.count < Self.countMax else { throw .failed("the request has \(content.utf8.count) bytes; that is too long") }
            Disk.leave(content, as: requestName, in: path)
            guard kill(owner, SIGUSR1) == 0 else {
                unlink(path + "/" + requestName)
                throw .failed("process \(owner), which runs with \(path), cannot be reached: \(String(cString: strerror(errno)))")
            }
            for _ in 0..<timeoutSeconds * 1_000_000 / Int(Self.waitMicroseconds) {
                usleep(Self.waitMicroseconds)
                if let said = try answer(to: identifier, in: path) { return said }
                guard kill(owner, 0) == 0 else {
                    // It may have answered just before.
                    if let said = try answer(to: identifier, in: path) { return said }
                    unlink(path + "/" + requestName)
                    throw .failed("process \(owner), which ran with \(path), has ended without an answer; try again")
                }
            }
            unlink(path + "/" + requestName)
            throw .failed("process \(owner), which runs with \(path), has not answered in \(timeoutSeconds) seconds")
        }

        /// Nil where there is none to this request; it is taken away.
        private func answer(to identifier: String, in path: String) throws(StoreError) -> String? {
            let content = (try? Disk.content(of: path + "/" + answerName, countMax: Self.countMax)) ?? nil
            let lines = content.map { String(decoding: $0, as: UTF8.self).split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false) } ?? []
            guard lines.count == 3, lines[0] == identifier else { return nil }
            unlink(path + "/" + answerName)
            guard lines[1] == "done" else { throw .failed(String(lines[2])) }
            return String(lines[2])
        }
    }
}

extension Disk {
    /// Leaves a small file for others, whole or not at all.
    static func leave(_ text: String, as name: String, in path: String) {
        let disk = Disk()
        let next = "\(path)/\(name).\(getpid())"
        guard (try? disk.write(Array(text.utf8), to: next)) != nil else { return }
        if (try? disk.rename(next, to: "\(path)/\(name)", in: path)) == nil { unlink(next) }
    }
}
