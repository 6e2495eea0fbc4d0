import Testing
import MiniGPTTransformer

@Suite struct AttentionMaskTests {
  /// A token sees itself and those before it.
  @Test func causalIsALowerTriangle() {
    let rows = (0..<4).map { query in (0..<4).map { AttentionMask.causal.allows(query: query, key: $0) } }
    #expect(
      rows == [
        [true, false, false, false],
        [true, true, false, false],
        [true, true, true, false],
        [true, true, true, true],
      ])
  }

  @Test func fullHidesNothing() {
    for query in 0..<4 {
      for key in 0..<4 { #expect(AttentionMask.full.allows(query: query, key: key)) }
    }
  }
}
