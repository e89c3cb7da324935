internal import Glibc

/// Thread T makes U superfluous where both began at the same event, have the same targets open and the same counters, and, if a limit
/// counts from there, the same last capture, and T comes first in the order of matches: what U completes T completes at the same event,
/// and only the first match of a first event is reported. A rule says by ``RuleProgram/domination`` that it is of that kind.
extension Matcher {
    /// Takes superfluous threads out of the survivors at the front of a section, and unmarks such forks; gives the survivors left.
    ///
    /// - Complexity: O(threads), and for each pair of threads with the same future the length of their captures.
    func dropDominated(_ rule: RuleTables, blob: UnsafeMutableRawPointer?, section: Int, survivors: Int) -> Int {
        guard survivors + forks.count > 1 else { return survivors }
        let size = rule.recordSize
        let first = survivors > 0 ? blob.map { $0 + Int(Blob($0).sections[section].offset) } : nil
        domination.begin(survivors + forks.count)
        var dropped = 0
        for index in 0..<survivors {
            guard let first else { break }
            dropped += note(rule, first + index * size, index: index, survivors: survivors, first: first, blob: blob)
        }
        for index in 0..<forks.count where forks.flags(index) & Forks.isKept != 0 {
            dropped += note(rule, forks.record(index), index: survivors + index, survivors: survivors, first: first, blob: blob)
        }
        guard dropped > 0, let first else { return survivors }
        var kept = 0
        for index in 0..<survivors {
            let record = first + index * size
            // No thread that lives has nothing open.
            if record.load(fromByteOffset: ThreadRecord.open, as: UInt64.self) == 0 { continue }
            if kept != index { memcpy(first + kept * size, record, size) }
            kept += 1
        }
        return kept
    }

    /// Looks for a thread with the same future among those noted before; drops the one of the two that comes later. 1 where one goes.
    private func note(
        _ rule: RuleTables, _ record: UnsafeMutableRawPointer, index: Int, survivors: Int, first: UnsafeMutableRawPointer?,
        blob: UnsafeMutableRawPointer?
    ) -> Int {
        var place = domination.place(hash(rule, record))
        while let other = domination[place] {
            let otherRecord = other < survivors ? first.unsafelyUnwrapped + other * rule.recordSize : forks.record(other - survivors)
            if hasSameFuture(rule, record, otherRecord) {
                let order = order(
                    completion(record, index: index, survivors: survivors), completion(otherRecord, index: other, survivors: survivors),
                    blob: blob)
                // Of captures that a loop no longer keeps the order is not known.
                guard chains.left.omitted.isEmpty && chains.right.omitted.isEmpty else { return 0 }
                if order < 0 { domination[place] = index }
                drop(order < 0 ? other : index, survivors: survivors, first: first, size: rule.recordSize)
                return 1
            }
            place = domination.next(place)
        }
        domination[place] = index
        return 0
    }

    private func drop(_ index: Int, survivors: Int, first: UnsafeMutableRawPointer?, size: Int) {
        if index >= survivors {
            forks.setFlags(index - survivors, forks.flags(index - survivors) & ~Forks.isKept)
        } else if let first {
            (first + index * size).storeBytes(of: 0, toByteOffset: ThreadRecord.open, as: UInt64.self)
        }
    }

    private func completion(_ record: UnsafeMutableRawPointer, index: Int, survivors: Int) -> Completion {
        Completion(
            isTimeout: false, record: record,
            node: index < survivors
                ? record.load(fromByteOffset: ThreadRecord.lastNode, as: UInt32.self) : forks.parent(index - survivors),
            step: index < survivors ? -1 : forks.step(index - survivors),
            captures: Int(record.load(fromByteOffset: ThreadRecord.captures, as: UInt32.self)), first: Matcher.first(record))
    }

    private func hasSameFuture(_ rule: RuleTables, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer) -> Bool {
        guard Matcher.first(a) == Matcher.first(b), a.load(as: UInt32.self) == b.load(as: UInt32.self),
            a.load(fromByteOffset: ThreadRecord.open, as: UInt64.self) == b.load(fromByteOffset: ThreadRecord.open, as: UInt64.self),
            a.load(fromByteOffset: ThreadRecord.flags, as: UInt32.self) == b.load(fromByteOffset: ThreadRecord.flags, as: UInt32.self),
            memcmp(a + ThreadRecord.fixedSize, b + ThreadRecord.fixedSize, rule.domination.registerBytes) == 0
        else { return false }
        return !rule.domination.comparesLast
            || a.load(fromByteOffset: ThreadRecord.lastTime, as: Int64.self) == b.load(fromByteOffset: ThreadRecord.lastTime, as: Int64.self)
    }

    private func hash(_ rule: RuleTables, _ record: UnsafeRawPointer) -> UInt64 {
        var hash = record.load(fromByteOffset: ThreadRecord.firstArrival, as: UInt64.self)
        hash = (hash ^ UInt64(record.load(as: UInt32.self)) << 48) &* 0x9E37_79B9_7F4A_7C15
        hash = (hash ^ record.load(fromByteOffset: ThreadRecord.open, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
        for offset in stride(from: 0, to: rule.domination.registerBytes & ~1, by: 2) {
            hash = (hash ^ UInt64(record.load(fromByteOffset: ThreadRecord.fixedSize + offset, as: UInt16.self))) &* 0x9E37_79B9_7F4A_7C15
        }
        return hash
    }
}

/// Threads by their futures, for one event.
struct DominationTable: ~Copyable {
    /// Places of threads plus one.
    private var slots: UnsafeMutablePointer<UInt32>
    private var allocated = 64
    private var mask = 63

    init() {
        slots = .allocate(capacity: allocated)
    }

    deinit {
        slots.deallocate()
    }

    mutating func begin(_ count: Int) {
        var capacity = 8
        while capacity < 2 * count { capacity *= 2 }
        if capacity > allocated {
            slots.deallocate()
            slots = .allocate(capacity: capacity)
            allocated = capacity
        }
        mask = capacity - 1
        slots.update(repeating: 0, count: capacity)
    }

    func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 32) & mask }

    func next(_ place: Int) -> Int { (place + 1) & mask }

    subscript(place: Int) -> Int? {
        get { slots[place] == 0 ? nil : Int(slots[place]) - 1 }
        nonmutating set { slots[place] = newValue.map { UInt32($0 + 1) } ?? 0 }
    }
}
