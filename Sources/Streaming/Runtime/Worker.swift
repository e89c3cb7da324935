internal import Decoding
internal import Engine
internal import Events

/// What one worker decodes and tests with; shared with nobody.
final class Worker {
    let tester: EventTester
    let router: KeyRouter
    /// Of each input.
    private let decoders: [BlockDecoder]
    private let inputs: [InputReader]
    private let typeColumn: Int

    init(program: Program, inputs: [InputReader], seed: UInt64) {
        tester = EventTester(program: program)
        router = KeyRouter(program: program, seed: seed)
        self.inputs = inputs
        typeColumn = program.columns.count
        decoders = inputs.map { reader in
            BlockDecoder(columns: program.columns + [FieldPath(name: "")], format: reader.input.format, typeColumn: program.columns.count)
        }
    }

    /// Takes a block from bytes to rows that are routed to their shards. Late events are among them: that is judged later.
    func decode(_ block: Block) {
        let reader = inputs[block.input]
        block.rejects.removeAll(keepingCapacity: true)
        decoders[block.input].decode(
            block.batch, firstLine: block.carved.firstLine, isFirstBlock: block.carved.isFirst, cutLines: block.carved.cutLines,
            rejects: &block.rejects)
        block.times = BlockTimes(block.batch.times, count: block.batch.count, delayMicroseconds: reader.input.delayMicroseconds)
        let view = BatchView(block.batch)
        tester.test(view, count: block.batch.count, typeColumn: typeColumn, timeColumn: reader.timeColumn, excluded: nil)
        router.route(tester, of: block.batch, view: view, input: block.input, into: block.routed)
    }
}
