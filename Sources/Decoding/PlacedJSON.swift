// A JSON object whose parts know where they stand: for files that people write, where a mistake has a line.

internal import CSimdjson

/// A JSON value and where it begins.
public struct PlacedJSON: Sendable {
    public indirect enum Content: Sendable {
        /// No list and no object.
        case scalar(JSONValue)
        case array([PlacedJSON])
        /// In the order of the text; names may stand there more than once.
        case object([Member])
    }

    public struct Member: Sendable {
        public var name: String
        /// Where the name begins, in bytes.
        public var nameOffset: Int
        public var value: PlacedJSON
    }

    /// In bytes from the start of the text.
    public var offset: Int
    public var content: Content

    /// Reads bytes that are one JSON object of at most 1024 levels.
    /// - Throws: ``JSONFault`` where they are not.
    /// - Complexity: O(bytes).
    public init(object bytes: [UInt8]) throws(JSONFault) {
        var fault = nt_json_fault()
        guard let tree = bytes.withUnsafeBufferPointer({ nt_json_tree_create($0.baseAddress, $0.count, &fault) }) else {
            throw JSONFault(
                reason: RejectReason(rawValue: fault.reason) ?? .syntax, offset: fault.offset <= bytes.count ? Int(fault.offset) : nil)
        }
        defer { nt_json_tree_destroy(tree) }
        var count = 0
        let nodes = UnsafeBufferPointer(start: nt_json_tree_nodes(tree, &count), count: count)
        var at = 0
        self = PlacedJSON.read(nodes, nt_json_tree_text(tree), &at)
    }

    private init(offset: Int, content: Content) {
        self.offset = offset
        self.content = content
    }

    private static func read(_ nodes: UnsafeBufferPointer<nt_json_node>, _ text: UnsafePointer<UInt8>, _ at: inout Int) -> PlacedJSON {
        let node = nodes[at]
        let content: Content
        switch nt_json_kind(node.kind) {
        case NT_JSON_ARRAY:
            at += 1
            content = .array((0..<node.count).map { _ in read(nodes, text, &at) })
        case NT_JSON_OBJECT:
            at += 1
            content = .object((0..<node.count).map { _ in
                let key = nodes[at]
                let name = JSONValue.read(nodes, text, &at).text ?? ""
                return Member(name: name, nameOffset: Int(key.offset), value: read(nodes, text, &at))
            })
        default: content = .scalar(JSONValue.read(nodes, text, &at))
        }
        return PlacedJSON(offset: Int(node.offset), content: content)
    }
}

/// Why bytes are no JSON object.
public struct JSONFault: Error, Sendable, Equatable {
    public var reason: RejectReason
    /// Near which byte; nil where that cannot be told.
    public var offset: Int?
}
