internal import Engine

/// What becomes of a checkpoint's state where the rules are others now.
///
/// Rules whose name and fingerprint are the same keep their state. Since rules with the same keys share one row a key, the rows are written
/// anew: once, in one checkpoint, before anything is read. So nothing of the old rules is left behind, and a crash in between leaves the
/// old state.
struct RuleChange {
    private let program: Program
    private let old: Anchor
    /// By the old place of a rule: its place now.
    private let ranks: [Int?]
    private let rules: [Anchor.Rule]
    private let groups: [Anchor.Group]

    init(from old: Anchor, to program: Program, rules: [Anchor.Rule], groups: [Anchor.Group]) {
        self.program = program
        self.old = old
        self.rules = rules
        self.groups = groups
        var places: [String: Int] = [:]
        for (rank, rule) in rules.enumerated() { places[rule.name] = rank }
        ranks = old.rules.map { rule in
            places[rule.name].flatMap { rules[$0].fingerprint == rule.fingerprint ? $0 : nil }
        }
    }

    /// Whether the rows fit the program as they stand.
    var isNone: Bool { old.rules == rules && old.groups == groups }

    func describe(_ resumption: inout Resumption) {
        for (rule, rank) in zip(old.rules, ranks) {
            if rank != nil {
                resumption.keptRules.append(rule.name)
            } else if rules.contains(where: { $0.name == rule.name }) {
                resumption.changedRules.append(rule.name)
            } else {
                resumption.removedRules.append(rule.name)
            }
        }
        let names = Set(old.rules.map(\.name))
        resumption.newRules = rules.map(\.name).filter { !names.contains($0) }
    }

    /// Writes the rows anew and commits them with the anchor that belongs to them; gives that.
    ///
    /// - Complexity: O(rows), in the memory of one key.
    func carryOut(in store: any StateStore, expired: Int64) throws(StoreError) -> Anchor {
        let writer = try store.begin(parts: 3)
        try moveCooldowns(store, writer)
        try moveStates(store, writer)
        for part in 0..<3 { try writer.finish(part: part) }
        var anchor = old
        anchor.rules = rules
        anchor.groups = groups
        try writer.commit(anchor: anchor.encoded(), expired: expired)
        return anchor
    }

    private func moveCooldowns(_ store: any StateStore, _ writer: any CheckpointWriter) throws(StoreError) {
        var rows = RowMoves()
        try store.scan(kind: RowKeys.cooldown) { key, value throws(StoreError) in
            var (cooldown, state) = try RowKeys.cooldown(key, value)
            guard ranks.indices.contains(cooldown.rule) else { throw RowKeys.damage("a cooldown") }
            rows.remove(Array(key))
            if let rank = ranks[cooldown.rule] {
                cooldown.rule = rank
                rows.put(RowKeys.cooldownKey(cooldown), RowKeys.cooldownValue(cooldown, state))
            }
            return true
        }
        try rows.write(to: writer, part: 0)
    }

    private func moveStates(_ store: any StateStore, _ writer: any CheckpointWriter) throws(StoreError) {
        let matcher = Matcher(program: program, seed: old.seed)
        let moves = groupMoves
        var states = RowMoves()
        var deadlines = RowMoves()
        var hash: UInt64?
        try store.scan(kind: RowKeys.state) { key, value throws(StoreError) in
            let row = try RowKeys.state(key, value)
            guard moves.indices.contains(row.group) else { throw RowKeys.damage("the state of a key") }
            // Rows of one hash stand side by side, whatever their group.
            if row.hash != hash {
                try deadlines.write(to: writer, part: 1)
                try states.write(to: writer, part: 2)
                hash = row.hash
            }
            states.remove(Array(key))
            deadlines.remove(RowKeys.row(RowKeys.deadline, hash: row.hash, group: row.group, key: row.key))
            guard let move = moves[row.group] else { return true }
            do throws(BlobError) {
                _ = try matcher.move(row.blob, by: move) { (state: MovedState) throws(Never) in
                    states.put(
                        RowKeys.row(RowKeys.state, hash: row.hash, group: state.group, key: row.key),
                        RowKeys.stateValue(expiresAt: state.expiresAt, blob: state.blob))
                    guard state.nextDeadline != .max else { return }
                    deadlines.put(
                        RowKeys.row(RowKeys.deadline, hash: row.hash, group: state.group, key: row.key),
                        withUnsafeBytes(of: state.nextDeadline.littleEndian) { Array($0) })
                }
            } catch {
                throw RowKeys.damage("the state of a key (\(error))")
            }
            return true
        }
        try deadlines.write(to: writer, part: 1)
        try states.write(to: writer, part: 2)
    }

    /// By the old group; nil where none of its rules stays.
    private var groupMoves: [GroupMove?] {
        old.groups.indices.map { group in
            let locals = old.rules.indices.filter { old.rules[$0].group == group }.map { ranks[$0] }
            // Rules that shared their keys still do.
            guard let first = locals.compactMap(\.self).first else { return nil }
            let target = Int(rules[first].group)
            let places = program.groups[target].rules
            return GroupMove(
                group: target, rules: locals.map { rank in rank.flatMap { places.firstIndex(of: $0) } },
                slots: groups[target].columns.map { old.groups[group].columns.firstIndex(of: $0) ?? -1 },
                oldSlotCount: old.groups[group].columns.count)
        }
    }
}

/// Rows that go and rows that come, brought into order.
private struct RowMoves {
    private var rows: [[UInt8]: [UInt8]?] = [:]

    mutating func remove(_ key: [UInt8]) { if rows[key] == nil { rows[key] = .some(nil) } }

    mutating func put(_ key: [UInt8], _ value: [UInt8]) { rows[key] = .some(value) }

    mutating func write(to writer: any CheckpointWriter, part: Int) throws(StoreError) {
        for (key, value) in rows.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            if let value { try writer.put(part: part, key, value) } else { try writer.remove(part: part, key) }
        }
        rows.removeAll(keepingCapacity: true)
    }
}

extension Anchor {
    /// The rules of a program, as an anchor names them.
    static func rules(of program: Program, fingerprints: [Fingerprint]) -> (rules: [Rule], groups: [Group]) {
        precondition(fingerprints.count == program.rules.count, "Every rule has a fingerprint.")
        var groups = [UInt32](repeating: 0, count: program.rules.count)
        for (index, group) in program.groups.enumerated() {
            for rule in group.rules { groups[rule] = UInt32(index) }
        }
        return (
            program.rules.indices.map { Rule(name: program.rules[$0].name, fingerprint: fingerprints[$0], group: groups[$0]) },
            program.groups.map { group in Group(names: group.names, columns: group.capturedColumns.map { program.columns[$0].identity }) }
        )
    }
}
