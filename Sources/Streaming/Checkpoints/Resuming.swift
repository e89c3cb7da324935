/// Brings inputs and outputs back to where a checkpoint was.
struct Resuming {
    let readers: [InputReader]
    let sinks: [any Sink]
    let blockBytes: Int

    /// - Throws: ``RunError`` where an input cannot go on, or is not there although something of it is still to be matched.
    func resumeInputs(_ anchor: Anchor, _ resumption: inout Resumption) throws(RunError) {
        let pairs = try pairs(anchor.inputs)
        for (reader, old) in zip(readers, pairs) {
            guard let old else {
                // What comes from it now cannot lie before what was matched.
                let time = anchor.bound.time
                reader.begin(watermark: time == .min ? time : time.addingSaturating(1))
                continue
            }
            if old.name == reader.input.source.name {
                guard let source = reader.input.source as? any ResumableSource else { throw .otherRun("\(old.name) cannot go on where it was") }
                do throws(SourceError) {
                    try source.resume(at: old.position, place: old.place)
                    reader.resume(old, blockBytes: blockBytes)
                    continue
                } catch {
                    // It was read to its end: this is the next one of that name.
                    guard old.hasEnded else { throw .source(error) }
                }
            }
            reader.begin(watermark: old.watermark)
            resumption.followedInputs.append((old.name, reader.input.source.name))
        }
    }

    /// Of each reader the input of the checkpoint that it goes on with: the one of its name, else the one in its place that has ended.
    private func pairs(_ inputs: [Anchor.Input]) throws(RunError) -> [Anchor.Input?] {
        var pairs = readers.map { reader in inputs.first { $0.name == reader.input.source.name && $0.stream == reader.input.stream } }
        for (index, old) in inputs.enumerated() {
            if let place = pairs.firstIndex(where: { $0?.name == old.name && $0?.stream == old.stream }) {
                guard place == index else { throw .otherRun("its inputs were given in another order; \(Resuming.list(inputs))") }
                continue
            }
            guard old.hasEnded else {
                throw .otherRun(
                    "\(old.name) was not read to its end, or its last events still wait for later ones (`delay`); give it as before: "
                        + Resuming.list(inputs))
            }
            if readers.indices.contains(index), pairs[index] == nil, readers[index].input.stream == old.stream { pairs[index] = old }
        }
        return pairs
    }

    private static func list(_ inputs: [Anchor.Input]) -> String {
        inputs.map { "--input " + ($0.stream.isEmpty ? "" : $0.stream + "=") + $0.name }.joined(separator: " ")
    }

    /// What a run wrote that came to no checkpoint is written again. Without a checkpoint the files begin empty.
    func cutSinks(_ anchor: Anchor?, _ resumption: inout Resumption) throws(RunError) {
        for sink in sinks.compactMap(Resuming.cuttable) {
            let old = anchor.map { $0.sinks.first { $0.name == sink.name && $0.length >= 0 } } ?? Anchor.Sink(name: sink.name, length: 0, tail: [])
            guard let old else { continue }
            do throws(SinkError) {
                if try !sink.cut(to: UInt64(old.length), tail: old.tail) { resumption.otherSinks.append(sink.name) }
            } catch {
                throw RunError(error)
            }
        }
    }

    static func cuttable(_ sink: any Sink) -> (any ResumableSink)? {
        guard let sink = sink as? any ResumableSink, sink.canBeCut else { return nil }
        return sink
    }
}

extension Anchor.Sink {
    init(_ sink: any Sink) {
        if let cuttable = Resuming.cuttable(sink) {
            self.init(name: cuttable.name, length: Int64(clamping: cuttable.length), tail: cuttable.tail)
        } else {
            self.init(name: "", length: -1, tail: [])
        }
    }
}
