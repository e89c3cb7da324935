/// A rule file as it was read.
public struct SourceFile: Sendable {
    /// As the user named it.
    public let path: String
    public let bytes: [UInt8]

    public init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}

/// A half-open range of bytes of one file of a run.
public struct Span: Sendable, Hashable {
    /// The file's place among those given to the run.
    public var file: Int32
    /// Byte offsets; a rule file is at most 16 MiB.
    public var lower: Int32
    public var upper: Int32

    public init(file: Int32, lower: Int32, upper: Int32) {
        self.file = file
        self.lower = lower
        self.upper = upper
    }
}
