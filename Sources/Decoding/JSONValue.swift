// A JSON object as a tree, for alerts and fixtures: what is compared field by field instead of streamed.

internal import CSimdjson
public import Events

/// A JSON value.
public indirect enum JSONValue: Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// Above `Int64.max`.
    case unsigned(UInt64)
    /// Integers beyond 64 bits are doubles too.
    case double(Double)
    case string(String)
    case array([JSONValue])
    /// In the order of the text.
    case object([Member])

    public struct Member: Sendable {
        public var name: String
        public var value: JSONValue

        public init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// Reads bytes that are one JSON object; nil where they are not, or nest deeper than 1024.
    /// - Complexity: O(bytes).
    public init?(object bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, let tree = nt_json_tree_create(base.assumingMemoryBound(to: UInt8.self), bytes.count, nil) else {
            return nil
        }
        defer { nt_json_tree_destroy(tree) }
        var count = 0
        let nodes = UnsafeBufferPointer(start: nt_json_tree_nodes(tree, &count), count: count)
        var at = 0
        self = JSONValue.read(nodes, nt_json_tree_text(tree), &at)
    }

    public init?(object bytes: [UInt8]) {
        guard let value = bytes.withUnsafeBytes({ JSONValue(object: $0) }) else { return nil }
        self = value
    }

    static func read(_ nodes: UnsafeBufferPointer<nt_json_node>, _ text: UnsafePointer<UInt8>, _ at: inout Int) -> JSONValue {
        let node = nodes[at]
        at += 1
        switch nt_json_kind(node.kind) {
        case NT_JSON_BOOLEAN: return .boolean(node.payload == 1)
        case NT_JSON_INTEGER: return .integer(Int64(bitPattern: node.payload))
        case NT_JSON_UNSIGNED: return .unsigned(node.payload)
        case NT_JSON_DOUBLE: return .double(Double(bitPattern: node.payload))
        case NT_JSON_STRING: return .string(string(node, text))
        case NT_JSON_ARRAY:
            var elements: [JSONValue] = []
            elements.reserveCapacity(Int(node.count))
            for _ in 0..<node.count { elements.append(read(nodes, text, &at)) }
            return .array(elements)
        case NT_JSON_OBJECT:
            var members: [Member] = []
            members.reserveCapacity(Int(node.count))
            for _ in 0..<node.count {
                let name = string(nodes[at], text)
                at += 1
                members.append(Member(name: name, value: read(nodes, text, &at)))
            }
            return .object(members)
        default: return .null
        }
    }

    private static func string(_ node: nt_json_node, _ text: UnsafePointer<UInt8>) -> String {
        String(decoding: UnsafeBufferPointer(start: text + Int(node.payload), count: Int(node.count)), as: UTF8.self)
    }

    /// The value of the first member of that name; nil where this is no object or has none.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The string, where it is one.
    public var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }
}

extension JSONValue: Equatable {
    /// Objects are equal whatever the order of their members; numbers are equal as numbers, exactly: 1 and 1.0 are one.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.boolean(let a), .boolean(let b)): a == b
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)):
            a.count == b.count && a.allSatisfy { member in right[member.name].map { $0 == member.value } ?? false }
        case (.integer(let a), .integer(let b)): a == b
        case (.unsigned(let a), .unsigned(let b)): a == b
        case (.double(let a), .double(let b)): a == b
        case (.integer(let a), .double(let b)), (.double(let b), .integer(let a)): Int64(exactly: b) == a
        case (.unsigned(let a), .double(let b)), (.double(let b), .unsigned(let a)): UInt64(exactly: b) == a
        default: false
        }
    }
}

extension ByteBuffer {
    /// Appends a value as compact JSON.
    public mutating func append(json value: JSONValue) {
        switch value {
        case .null: append("null")
        case .boolean(let flag): append(text: flag ? "true" : "false")
        case .integer(let number): append(integer: number)
        case .unsigned(let number): append(integer: number)
        case .double(let number): append(double: number)
        case .string(let text): append(jsonString: text)
        case .array(let elements):
            append(UInt8(ascii: "["))
            for (place, element) in elements.enumerated() {
                if place > 0 { append(UInt8(ascii: ",")) }
                append(json: element)
            }
            append(UInt8(ascii: "]"))
        case .object(let members):
            append(UInt8(ascii: "{"))
            for (place, member) in members.enumerated() {
                if place > 0 { append(UInt8(ascii: ",")) }
                append(jsonString: member.name)
                append(UInt8(ascii: ":"))
                append(json: member.value)
            }
            append(UInt8(ascii: "}"))
        }
    }
}

extension JSONValue: CustomStringConvertible {
    /// Compact JSON.
    public var description: String {
        var buffer = ByteBuffer()
        buffer.append(json: self)
        return buffer.string
    }
}
