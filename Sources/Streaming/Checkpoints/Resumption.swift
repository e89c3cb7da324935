/// What a run found of an earlier one, for people.
public struct Resumption: Sendable {
    /// Of the checkpoint, from 1.
    public var checkpoint: UInt64
    /// When it was made, microseconds since 1970.
    public var madeAt: Int64
    /// Names of rules that go on with their state.
    public var keptRules: [String] = []
    /// Names of rules that had state and begin afresh, since something about them has changed.
    public var changedRules: [String] = []
    /// Names of rules that are not there any more; their state is gone.
    public var removedRules: [String] = []
    /// Names of rules that were not there before.
    public var newRules: [String] = []
    /// Names of sinks that are not the files of the checkpoint, and so are written on from their end.
    public var otherSinks: [String] = []
    /// Of inputs that were read to their end: the name, and what is read in its place.
    public var followedInputs: [(old: String, new: String)] = []
    /// Alerts that had left by then.
    public var alerts: UInt64

}

extension Resumption {
    /// Which rules cannot go on with their state; nil where all can.
    var ruleChange: String? {
        var parts: [String] = []
        if !changedRules.isEmpty { parts.append("changed: " + changedRules.joined(separator: ", ")) }
        if !removedRules.isEmpty { parts.append("gone: " + removedRules.joined(separator: ", ")) }
        return parts.isEmpty ? nil : "rules are not those of the state (\(parts.joined(separator: "; ")))"
    }
}
