internal import Decoding
internal import Events

/// One decoder for all inputs, as a worker has it, so that what one block leaves behind meets the next.
nonisolated(unsafe) private let decoder = BlockDecoder(
    columns: [
        FieldPath(name: "type"), FieldPath(name: "amount"), FieldPath([.name("device"), .name("os"), .name("name")]),
        FieldPath([.name("items"), .index(0), .name("sku")]), FieldPath(name: "tags"),
    ], format: EventFormat(), typeColumn: 0)
private let batch = EventBatch(columnCount: 5)

/// Any bytes as a block of lines: every line is a row, a reject or blank.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    batch.reserveBytes(count)
    batch.bytes.update(from: data, count: count)
    batch.byteCount = count
    var rejects: [Reject] = []
    let lines = decoder.decode(batch, firstLine: 1, isFirstBlock: true, rejects: &rejects)
    precondition(batch.count + rejects.count <= Int(lines), "no line is two things")
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ test: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// The package manager links programs with this name for `main`, so libFuzzer's own is never taken in.
@_cdecl("FuzzBlocks_main")
public func start(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments) { fuzzOneInput($0, $1) }
}
