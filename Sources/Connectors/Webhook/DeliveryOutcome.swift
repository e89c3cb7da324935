internal import CCurl

/// How an attempt ended, as far as it matters.
enum DeliveryOutcome: Equatable {
    case delivered
    /// For good: no other attempt would go better.
    case refused(reason: String, status: Int)
    /// To be tried again, not before `retryAfterMicroseconds` have passed where the endpoint asks for that.
    case failed(reason: String, status: Int?, retryAfterMicroseconds: Int64?)

    /// - Parameters:
    ///   - status: of HTTP.
    ///   - retryAfter: that header's value; empty where there is none.
    ///   - wallMicroseconds: the time now, which a date is compared with.
    init(status: Int, retryAfter: String, wallMicroseconds: Int64) {
        let wait = Self.microseconds(ofRetryAfter: retryAfter, wallMicroseconds: wallMicroseconds)
        switch status {
        case 200...299: self = .delivered
        case 300...399: self = .refused(reason: "HTTP \(status): it redirects, which is not followed", status: status)
        case 408, 425, 429: self = .failed(reason: "HTTP \(status)", status: status, retryAfterMicroseconds: wait)
        case 410: self = .refused(reason: "HTTP 410: the endpoint is gone", status: status)
        case 400...499: self = .refused(reason: "HTTP \(status)", status: status)
        default: self = .failed(reason: "HTTP \(status)", status: status, retryAfterMicroseconds: wait)
        }
    }

    /// Seconds, or a date. Nil where it is neither; nothing where it lies in the past.
    static func microseconds(ofRetryAfter text: String, wallMicroseconds: Int64) -> Int64? {
        let text = text.utf8.drop { $0 == 32 || $0 == 9 }
        guard !text.isEmpty else { return nil }
        if text.allSatisfy({ $0 >= 48 && $0 <= 57 }) {
            // A number too large for us is as good as for ever.
            let seconds = Int64(String(decoding: text, as: UTF8.self)) ?? .max
            let (microseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
            return overflow ? .max : microseconds
        }
        let seconds = nt_http_date(String(decoding: text, as: UTF8.self))
        guard seconds >= 0 else { return nil }
        let (microseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : max(0, microseconds - max(0, wallMicroseconds))
    }
}
