internal import Diagnostics
internal import Testing

@Suite struct NearestNameTests {
    @Test func findsTheClosestOne() {
        #expect(NearestName.find("amuont", among: ["country", "amount", "mount"]) == "amount")
        #expect(NearestName.find("totally", among: ["country", "amount"]) == nil)
        #expect(NearestName.find("a", among: ["b"]) == nil)
        #expect(NearestName.find("card", among: ["cards", "carb"]) == "cards")
    }

    @Test func countsEdits() {
        #expect(NearestName.distance("probe", "prob", atMost: 1) == 1)
        #expect(NearestName.distance("ab", "ba", atMost: 1) == 1)
        #expect(NearestName.distance("abcd", "abxy", atMost: 1) == nil)
        #expect(NearestName.distance("", "", atMost: 0) == 0)
    }
}
