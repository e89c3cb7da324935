/// The name among several that someone most likely meant.
///
/// Distance is the restricted Damerau-Levenshtein one: an insertion, a deletion, a substitution or a swap of neighbours counts one.
public enum NearestName {
    /// The closest candidate within a third of the name's length (at least one edit, at most three), the first of several; nil where
    /// none is close.
    /// - Complexity: O(candidates × length²); names over 64 bytes are never near.
    public static func find(_ name: String, among candidates: some Sequence<String>) -> String? {
        let edits = max(1, min(3, name.utf8.count / 3))
        var best: (name: String, distance: Int)?
        for candidate in candidates where candidate != name {
            guard let distance = distance(name, candidate, atMost: edits) else { continue }
            if let known = best, known.distance <= distance { continue }
            if distance >= max(name.utf8.count, candidate.utf8.count) { continue }
            best = (candidate, distance)
        }
        return best?.name
    }

    /// The number of edits between two names, or nil where it is more than a bound or a name is over 64 bytes.
    public static func distance(_ a: String, _ b: String, atMost bound: Int) -> Int? {
        let x = Array(a.utf8)
        let y = Array(b.utf8)
        guard x.count <= 64, y.count <= 64, abs(x.count - y.count) <= bound else { return nil }
        var beforePrevious = [Int](repeating: 0, count: y.count + 1)
        var previous = Array(0...y.count)
        for i in 0..<x.count {
            var current = [i + 1]
            current.reserveCapacity(y.count + 1)
            for j in 0..<y.count {
                var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (x[i] == y[j] ? 0 : 1))
                if i > 0, j > 0, x[i] == y[j - 1], x[i - 1] == y[j] { cost = min(cost, beforePrevious[j - 1] + 1) }
                current.append(cost)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[y.count] <= bound ? previous[y.count] : nil
    }
}
