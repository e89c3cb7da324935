import Events
import Foundation
import Testing

@Suite struct ByteBufferTests {
    func written(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer(capacity: 1)
        write(&buffer)
        return buffer.string
    }

    @Test(arguments: [
        (3.0, "3"), (0.1, "0.1"), (-0.0, "-0"), (0, "0"), (512.4, "512.4"), (-1.25, "-1.25"), (1e20, "1e+20"), (1e-7, "1e-07"),
        (0.000001, "0.000001"), (123456789.125, "123456789.125"), (0.30000000000000004, "0.30000000000000004"),
        (9007199254740992, "9007199254740992"), (Double.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
        (.infinity, "null"), (.nan, "null"), (999999999.9999999, "999999999.9999999"), (0.07, "0.07"), (1000000000, "1000000000"),
    ])
    func doubles(value: Double, text: String) {
        #expect(written { $0.append(double: value) } == text)
    }

    @Test func doublesReadBackAndAreShortest() {
        var random = SystemRandomNumberGenerator()
        for round in 0..<50000 {
            var value = Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random))
            if round % 2 == 0 { value = (Double.random(in: -2e9...2e9, using: &random) * 1e4).rounded() / [1, 10, 1e3, 1e4, 1e7].randomElement()! }
            guard value.isFinite else { continue }
            let text = written { $0.append(double: value) }
            #expect(Double(text) == value)
            #expect(text.count <= value.description.count || value.magnitude < 1e-4)
        }
    }

    @Test func integers() {
        for value in [0, 1, 9, 10, 99, 100, -1, -10, Int64.max, Int64.min, 1_000_000_000_000] {
            #expect(written { $0.append(integer: value) } == String(value))
        }
        for value in [UInt64.max, 10_000_000_000_000_000_000, 9_999_999_999_999_999_999] {
            #expect(written { $0.append(integer: value) } == String(value))
        }
        #expect(written { $0.append(digits: 42, width: 4) } == "0042")
    }

    @Test func strings() throws {
        #expect(written { $0.append(jsonString: "") } == "\"\"")
        #expect(written { $0.append(jsonString: "a\"b\\c\nd\u{1}é\u{7F}") } == "\"a\\\"b\\\\c\\nd\\u0001é\u{7F}\"")
        var random = SystemRandomNumberGenerator()
        let alphabet: [Character] = ["a", "\"", "\\", "\n", "\u{1F}", "é", "😀", " ", "\u{0}", "\u{A0}", "b", "c", "d", "e", "!"]
        for _ in 0..<5000 {
            let text = String((0..<Int.random(in: 0...40, using: &random)).map { _ in alphabet.randomElement(using: &random)! })
            let json = written { $0.append(jsonString: text) }
            let read = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed) as? String
            #expect(read == text)
        }
    }

    @Test func growsAndIsCutBack() {
        var buffer = ByteBuffer(capacity: 1)
        for _ in 0..<1000 { buffer.append("0123456789") }
        #expect(buffer.count == 10000)
        buffer.truncate(to: 12)
        #expect(buffer.string == "012345678901")
        buffer.removeAll()
        #expect(buffer.string == "")
    }
}
