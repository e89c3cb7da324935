/// The members of an alert's JSON as they stand there: what receivers want is pasted, not written anew.
///
/// - Complexity: one pass over the bytes, without recursion.
struct AlertMembers {
    struct Member {
        /// Without the quotes; as it is escaped.
        var name: ArraySlice<UInt8>
        /// With quotes, braces or brackets.
        var value: ArraySlice<UInt8>
    }

    let members: [Member]

    /// Nil where the bytes are no JSON object, as far as its members need to be told apart.
    init?(_ bytes: ArraySlice<UInt8>) {
        var scanner = Scanner(rest: bytes)
        guard scanner.take(UInt8(ascii: "{")) else { return nil }
        var members: [Member] = []
        if !scanner.take(UInt8(ascii: "}")) {
            repeat {
                guard let name = scanner.takeValue(), name.count >= 2, name.first == Scanner.quote, scanner.take(UInt8(ascii: ":")),
                    let value = scanner.takeValue()
                else { return nil }
                members.append(Member(name: name.dropFirst().dropLast(), value: value))
            } while scanner.take(UInt8(ascii: ","))
            guard scanner.take(UInt8(ascii: "}")) else { return nil }
        }
        guard scanner.isAtEnd else { return nil }
        self.members = members
    }

    subscript(_ name: String) -> ArraySlice<UInt8>? {
        members.first { $0.name.elementsEqual(name.utf8) }?.value
    }

    /// - Parameter name: as it is escaped.
    subscript(escaped name: [UInt8]) -> ArraySlice<UInt8>? {
        members.first { $0.name.elementsEqual(name) }?.value
    }

    /// What stands between the quotes of a string, as it is escaped; nil of other values.
    func text(_ name: String) -> ArraySlice<UInt8>? {
        self[name].flatMap { Self.text($0) }
    }

    static func text(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        value.first == Scanner.quote ? value.dropFirst().dropLast() : nil
    }

    /// The insides of the strings of an array; other elements are passed over. Nil where it is no array.
    static func texts(_ array: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
        elements(array)?.compactMap { text($0) }
    }

    /// Nil where it is no array.
    static func elements(_ array: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
        var scanner = Scanner(rest: array)
        guard scanner.take(UInt8(ascii: "[")) else { return nil }
        var elements: [ArraySlice<UInt8>] = []
        if scanner.take(UInt8(ascii: "]")) { return scanner.isAtEnd ? elements : nil }
        repeat {
            guard let value = scanner.takeValue() else { return nil }
            elements.append(value)
        } while scanner.take(UInt8(ascii: ","))
        return scanner.take(UInt8(ascii: "]")) && scanner.isAtEnd ? elements : nil
    }

    private struct Scanner {
        static let quote = UInt8(ascii: "\"")
        var rest: ArraySlice<UInt8>

        var isAtEnd: Bool {
            mutating get {
                skipSpace()
                return rest.isEmpty
            }
        }

        mutating func skipSpace() {
            while let byte = rest.first, byte == 32 || (byte >= 9 && byte <= 13) { rest.removeFirst() }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard rest.first == byte else { return false }
            rest.removeFirst()
            return true
        }

        /// A value of any kind.
        mutating func takeValue() -> ArraySlice<UInt8>? {
            skipSpace()
            let begin = rest.startIndex
            var place = begin
            var depth = 0
            while place < rest.endIndex {
                switch rest[place] {
                case Self.quote:
                    place += 1
                    while place < rest.endIndex, rest[place] != Self.quote { place += rest[place] == UInt8(ascii: "\\") ? 2 : 1 }
                    guard place < rest.endIndex else { return nil }
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return end(begin, place) }
                    depth -= 1
                case UInt8(ascii: ","), UInt8(ascii: ":"):
                    if depth == 0 { return end(begin, place) }
                default: break
                }
                place += 1
                if depth == 0, let last = rest[begin..<place].last, [Self.quote, UInt8(ascii: "}"), UInt8(ascii: "]")].contains(last) {
                    return end(begin, place)
                }
            }
            return nil
        }

        private mutating func end(_ begin: Int, _ end: Int) -> ArraySlice<UInt8>? {
            var value = rest[begin..<end]
            rest = rest[end...]
            while let byte = value.last, byte == 32 || (byte >= 9 && byte <= 13) { value.removeLast() }
            return value.isEmpty ? nil : value
        }
    }
}
