// Expected alerts against those that came.
//
// What is expected names only what matters: an object matches where every field that it has is equal, and so on inwards; lists match
// element by element. Alerts must come in the order expected, and none beside them.
//
// Where they do not, the longest common part is taken as agreed, and what lies between is paired rule by rule, so that one alert too many
// does not make all that follow it look wrong.

public import Decoding

/// One thing that is not as expected.
public enum AlertDifference: Sendable, Equatable {
    /// Expected, and did not come. Numbers count from 1, in the list of expected alerts.
    case missing(number: Int, JSONValue)
    /// Came, and was not expected. Numbers count from 1, in the list of alerts that came.
    case unexpected(number: Int, JSONValue)
    /// Came otherwise than expected.
    case differs(number: Int, expected: JSONValue, actual: JSONValue, [FieldDifference])
}

/// A place in an alert where it is not as expected; nil: nothing is there.
public struct FieldDifference: Sendable, Equatable {
    /// `match.probe[2].id`
    public var path: String
    public var expected: JSONValue
    public var actual: JSONValue?

    public init(path: String, expected: JSONValue, actual: JSONValue?) {
        self.path = path
        self.expected = expected
        self.actual = actual
    }
}

/// How what came differs from what was expected; nothing where it does not.
///
/// - Complexity: O(alerts) where they agree, else the product of the two counts, up to a million; beyond that alerts are paired by place.
public func compareAlerts(expected: [JSONValue], actual: [JSONValue]) -> [AlertDifference] {
    var start = 0
    while start < expected.count, start < actual.count, actual[start].satisfies(expected[start]) { start += 1 }
    if start == expected.count && start == actual.count { return [] }

    var differences: [AlertDifference] = []
    var e = start
    var a = start
    for (nextE, nextA) in agreed(expected, actual, from: start) + [(expected.count, actual.count)] {
        differences += pairedDifferences(expected, e..<nextE, actual, a..<nextA)
        e = nextE + 1
        a = nextA + 1
    }
    return differences
}

/// The longest common subsequence, behind the common beginning.
private func agreed(_ expected: [JSONValue], _ actual: [JSONValue], from start: Int) -> [(Int, Int)] {
    let rows = expected.count - start
    let columns = actual.count - start
    guard rows > 0, columns > 0, rows * columns <= 1_000_000 else { return [] }
    let width = columns + 1
    var lengths = [Int32](repeating: 0, count: (rows + 1) * width)
    var isEqual = [Bool](repeating: false, count: rows * columns)
    for i in stride(from: rows - 1, through: 0, by: -1) {
        for j in stride(from: columns - 1, through: 0, by: -1) {
            let equal = actual[start + j].satisfies(expected[start + i])
            isEqual[i * columns + j] = equal
            lengths[i * width + j] =
                equal ? lengths[(i + 1) * width + j + 1] + 1 : max(lengths[(i + 1) * width + j], lengths[i * width + j + 1])
        }
    }
    var pairs: [(Int, Int)] = []
    var i = 0
    var j = 0
    while i < rows, j < columns {
        if isEqual[i * columns + j], lengths[i * width + j] == lengths[(i + 1) * width + j + 1] + 1 {
            pairs.append((start + i, start + j))
            i += 1
            j += 1
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            i += 1
        } else {
            j += 1
        }
    }
    return pairs
}

/// Between two agreed alerts: each expected one is held against the next of its rule that came.
private func pairedDifferences(
    _ expected: [JSONValue], _ expectedRange: Range<Int>, _ actual: [JSONValue], _ actualRange: Range<Int>
) -> [AlertDifference] {
    var differences: [AlertDifference] = []
    var next = actualRange.lowerBound
    for e in expectedRange {
        let rule = expected[e]["rule"]
        if let a = (next..<max(next, actualRange.upperBound)).first(where: { rule == nil || actual[$0]["rule"] == rule }) {
            for extra in next..<a { differences.append(.unexpected(number: extra + 1, actual[extra])) }
            var fields: [FieldDifference] = []
            collect(expected[e], actual[a], path: "", into: &fields)
            differences.append(.differs(number: e + 1, expected: expected[e], actual: actual[a], fields))
            next = a + 1
        } else {
            differences.append(.missing(number: e + 1, expected[e]))
        }
    }
    for extra in next..<max(next, actualRange.upperBound) { differences.append(.unexpected(number: extra + 1, actual[extra])) }
    return differences
}

private func collect(_ expected: JSONValue, _ actual: JSONValue?, path: String, into fields: inout [FieldDifference]) {
    switch (expected, actual) {
    case (.object(let members), .object?):
        for member in members {
            collect(member.value, actual?[member.name], path: path.isEmpty ? member.name : path + "." + member.name, into: &fields)
        }
    case (.array(let wanted), .array(let found)?) where wanted.count == found.count:
        for (index, element) in wanted.enumerated() { collect(element, found[index], path: "\(path)[\(index)]", into: &fields) }
    case (_, let found?) where found.satisfies(expected): break
    default: fields.append(FieldDifference(path: path, expected: expected, actual: actual))
    }
}

extension JSONValue {
    /// Whether everything that is expected is here: of objects the fields that are named, of lists every element.
    public func satisfies(_ expected: JSONValue) -> Bool {
        switch (expected, self) {
        case (.object(let members), .object):
            members.allSatisfy { member in self[member.name].map { $0.satisfies(member.value) } ?? false }
        case (.array(let wanted), .array(let found)):
            wanted.count == found.count && zip(wanted, found).allSatisfy { $1.satisfies($0) }
        default: self == expected
        }
    }
}
