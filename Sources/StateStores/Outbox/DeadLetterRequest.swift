internal import Glibc
public import Streaming

/// What somebody wants done with dead letters.
public struct DeadLetterRequest: Sendable, Equatable {
    public enum Action: String, Sendable {
        /// Sent again, as if they had been appended now.
        case retry
        /// Forgotten.
        case drop
    }

    public enum Choice: Sendable, Equatable {
        case all
        /// Each an alert's `id`, or its ordinal in decimal digits.
        case chosen([String])
    }

    public var action: Action
    /// The webhook's name; nil: every webhook's.
    public var endpoint: String?
    public var choice: Choice

    public static let wordsMax = 10_000
    private static let pageCount = 256

    public init(_ action: Action, endpoint: String?, choice: Choice) {
        self.action = action
        self.endpoint = endpoint
        self.choice = choice
    }

    /// What became of it.
    public struct Outcome: Sendable, Equatable {
        public var count = 0
        /// In whose places other alerts stand by now, which happens where rules were changed.
        public var blocked = 0
        /// What was chosen and is no dead letter.
        public var missing: [String] = []
        /// Where more are missing than are named.
        public var missingCount = 0

        fileprivate static let missingMax = 20

        public init() {}

        /// One line.
        fileprivate var text: String { "\(count) \(blocked) \(missingCount) " + missing.joined(separator: " ") }

        fileprivate init?(text: String) {
            let words = text.split(separator: " ").map(String.init)
            guard words.count >= 3, let count = Int(words[0]), let blocked = Int(words[1]), let missingCount = Int(words[2]) else { return nil }
            (self.count, self.blocked, self.missingCount, missing) = (count, blocked, missingCount, Array(words[3...]))
        }
    }

    /// - Complexity: time for what is chosen where all are ordinals, otherwise for all dead letters of the webhook.
    /// - Throws: where there is no such webhook, or the outbox cannot be read or written; what was done by then stays done.
    public func carryOut(on outbox: any Outbox, nowMicroseconds now: Int64) throws(StoreError) -> Outcome {
        let places = outbox.endpoints.filter { endpoint == nil || $0.name == endpoint }
        if let endpoint, places.isEmpty {
            let names = outbox.endpoints.prefix(10).map(\.name)
            throw .failed("no alerts went to a webhook \(endpoint)" + (names.isEmpty ? "" : "; there are: \(names.joined(separator: ", "))"))
        }
        var outcome = Outcome()
        switch choice {
        case .all:
            for place in places where place.dead > 0 { try each(outbox, place.number, now, &outcome) { _ in true } }
        case .chosen(let words):
            var left = Set(words)
            let ordinals = Set(words.compactMap(Self.ordinal)).sorted()
            for place in places where place.dead > 0 {
                for ordinal in ordinals {
                    guard let letter = try outbox.deadLetters(of: place.number, from: ordinal, countMax: 1).first, letter.alert.ordinal == ordinal
                    else { continue }
                    left = left.filter { Self.ordinal($0) != ordinal }
                    try apply([ordinal], outbox, place.number, now, &outcome)
                }
            }
            let ids = Set(words.filter { Self.ordinal($0) == nil })
            if !ids.isEmpty {
                for place in places where place.dead > 0 {
                    try each(outbox, place.number, now, &outcome) { letter in
                        left.remove(letter.alert.id)
                        return ids.contains(letter.alert.id)
                    }
                }
            }
            outcome.missingCount = left.count
            outcome.missing = Array(words.filter(left.contains).prefix(Outcome.missingMax))
        }
        return outcome
    }

    /// Goes through the dead letters of a webhook, some at a time.
    private func each(
        _ outbox: any Outbox, _ place: Int, _ now: Int64, _ outcome: inout Outcome, isChosen: (DeadLetter) -> Bool
    ) throws(StoreError) {
        var from: UInt64 = 0
        while true {
            let letters = try outbox.deadLetters(of: place, from: from, countMax: Self.pageCount)
            guard let last = letters.last?.alert.ordinal else { return }
            try apply(letters.filter(isChosen).map(\.alert.ordinal), outbox, place, now, &outcome)
            guard last < .max else { return }
            from = last + 1
        }
    }

    private func apply(_ ordinals: [UInt64], _ outbox: any Outbox, _ place: Int, _ now: Int64, _ outcome: inout Outcome) throws(StoreError) {
        guard !ordinals.isEmpty else { return }
        switch action {
        case .retry:
            let count = try outbox.retry(ordinals, of: place, nowMicroseconds: now)
            outcome.count += count
            outcome.blocked += ordinals.count - count
        case .drop: outcome.count += try outbox.drop(ordinals, of: place)
        }
    }

    /// An `id` has more digits than any ordinal.
    static func ordinal(_ word: String) -> UInt64? {
        word.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? UInt64(word) : nil
    }

    // MARK: - As a text

    /// Lines: what to do, the webhook's name or nothing, and the choice, a line a word.
    var text: String {
        let words: [String] =
            switch choice {
            case .all: ["all"]
            case .chosen(let words): ["chosen"] + words
            }
        return ([action.rawValue, endpoint ?? ""] + words).joined(separator: "\n")
    }

    init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count >= 3, let action = Action(rawValue: lines[0]) else { return nil }
        switch lines[2] {
        case "all" where lines.count == 3: choice = .all
        case "chosen" where lines.count - 3 <= Self.wordsMax: choice = .chosen(Array(lines[3...]))
        default: return nil
        }
        self.action = action
        endpoint = lines[1].isEmpty ? nil : lines[1]
    }
}

extension StateFolder {
    /// In the process that runs: carries out what `needletail deliveries` has asked, if it has, and answers.
    ///
    /// - Parameter outbox: gives it where something is asked.
    /// - Returns: what was asked and what became of it; nil where nothing was.
    public static func carryOutDeadLetterRequest(
        in path: String, nowMicroseconds: Int64, on outbox: () throws(StoreError) -> any Outbox
    ) -> (request: DeadLetterRequest?, result: Result<DeadLetterRequest.Outcome, StoreError>)? {
        guard let asked = Request.deliveries.take(from: path) else { return nil }
        guard let request = DeadLetterRequest(text: asked.text) else {
            let message = "the request cannot be read; it may be of another version of needletail"
            Request.deliveries.answer(asked.identifier, message, isGood: false, in: path)
            return (nil, .failure(.failed(message)))
        }
        do throws(StoreError) {
            let outcome = try request.carryOut(on: try outbox(), nowMicroseconds: nowMicroseconds)
            Request.deliveries.answer(asked.identifier, outcome.text, isGood: true, in: path)
            return (request, .success(outcome))
        } catch {
            Request.deliveries.answer(asked.identifier, error.text, isGood: false, in: path)
            return (request, .failure(error))
        }
    }

    /// Asks the process that runs with a folder to carry out a request, and waits for it.
    public static func ask(
        _ request: DeadLetterRequest, of path: String, from owner: Int32, timeoutSeconds: Int
    ) throws(StoreError) -> DeadLetterRequest.Outcome {
        let said = try Request.deliveries.ask(request.text, of: path, from: owner, timeoutSeconds: timeoutSeconds)
        guard let outcome = DeadLetterRequest.Outcome(text: said) else { throw .failed("the answer of process \(owner) cannot be read") }
        return outcome
    }
}

extension StoreError {
    fileprivate var text: String {
        switch self {
        case .full(let text), .damaged(let text), .inUse(let text), .unknownFormat(let text), .failed(let text): text
        }
    }
}
