import Engine
import Testing

/// The most open matches of a key, at the default of 10 000; small limits are among the random rules.
@Suite struct OpenLimitTests {
    /// Ten thousand and twenty begin, and one event ends all that are left.
    private static let stream = Stream(
        lines: (1...10_020).map { "{\"id\": \($0), \"type\": \"A\", \"ts\": \(1000 + $0)}" } + ["{\"id\": 10021, \"type\": \"B\", \"ts\": 20000}"])

    private static func starts(_ clause: String) throws -> [Int64] {
        let loaded = try Loaded(checked("rule t { match a: A then b: B after match keep all \(clause) }"))
        return try AlertReader.alerts(in: loaded.throughPipeline(stream, Feed())).map { $0.steps[0].events[0] }
    }

    @Test func theOldestGo() throws {
        #expect(try OpenLimitTests.starts("") == Array(21...10_020))
        #expect(try OpenLimitTests.starts("limit 10_000 open drop oldest") == Array(21...10_020))
    }

    @Test func orTheNewest() throws {
        #expect(try OpenLimitTests.starts("limit 10_000 open drop newest") == Array(1...10_000))
    }
}
