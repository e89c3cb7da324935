public import Streaming

extension RocksOutbox {
    public func bury(_ burials: [Burial], of endpoint: Int) throws(StoreError) -> Int {
        var isOther = false
        let taken = try write { handle, batch, status throws(StoreError) -> Int in
            var taken = 0
            var seen: Set<UInt64> = []
            for burial in burials {
                let key = OutboxKey.bytes(OutboxKey.row, endpoint, burial.ordinal)
                let alert = try self.get(handle, key) { OutboxAlert(ordinal: burial.ordinal, rowValue: $0) }
                if let alert, alert.id != burial.id {
                    isOther = true
                } else if let alert, seen.insert(burial.ordinal).inserted {
                    guard status.dead < self.settings.deadMax else { return taken }
                    let place = OutboxKey.bytes(OutboxKey.dead, endpoint, burial.ordinal)
                    // Where rules were changed before a restart, another alert may lie there: there is one of each ordinal.
                    let isReplaced = try self.get(handle, place) { _ in true } ?? false
                    try batch.remove(key)
                    try batch.put(place, DeadLetter(alert: alert, burial: burial).rowValue())
                    try self.mark(burial.ordinal, alert.id, endpoint, batch, status)
                    status.counts[endpoint]?.undelivered -= 1
                    if !isReplaced { status.counts[endpoint]?.dead += 1 }
                }
                taken += 1
            }
            return taken
        }
        if isOther { noteRewind() }
        signals.roomMade()
        return taken
    }

    public func deadLetters(of endpoint: Int, from ordinal: UInt64, countMax: Int) throws(StoreError) -> [DeadLetter] {
        var letters: [DeadLetter] = []
        guard countMax > 0 else { return [] }
        try scan(OutboxKey.dead, endpoint, from: ordinal) { ordinal, value throws(StoreError) in
            guard let letter = DeadLetter(ordinal: ordinal, rowValue: value) else { throw self.damaged(ordinal) }
            letters.append(letter)
            return letters.count < countMax
        }
        return letters
    }

    public func retry(_ ordinals: [UInt64], of endpoint: Int, nowMicroseconds: Int64) throws(StoreError) -> Int {
        let count = try write { handle, batch, status throws(StoreError) -> Int in
            var count = 0
            for ordinal in Set(ordinals).sorted() {
                let key = OutboxKey.bytes(OutboxKey.dead, endpoint, ordinal)
                let row = OutboxKey.bytes(OutboxKey.row, endpoint, ordinal)
                let letter = try self.get(handle, key) { DeadLetter(ordinal: ordinal, rowValue: $0) }
                // Another alert may have taken the place, where rules were changed before a restart.
                let isTaken = try self.get(handle, row) { _ in true } ?? false
                guard var alert = letter?.alert, !isTaken else { continue }
                alert.appendedMicroseconds = nowMicroseconds
                try batch.remove(key)
                try batch.put(row, alert.rowValue())
                status.counts[endpoint]?.dead -= 1
                status.counts[endpoint]?.undelivered += 1
                count += 1
            }
            return count
        }
        if count > 0 { noteRewind() }
        return count
    }

    public func drop(_ ordinals: [UInt64], of endpoint: Int) throws(StoreError) -> Int {
        try write { handle, batch, status throws(StoreError) -> Int in
            var count = 0
            for ordinal in Set(ordinals).sorted() {
                let key = OutboxKey.bytes(OutboxKey.dead, endpoint, ordinal)
                guard try self.get(handle, key, { _ in true }) != nil else { continue }
                try batch.remove(key)
                status.counts[endpoint]?.dead -= 1
                count += 1
            }
            return count
        }
    }
}
