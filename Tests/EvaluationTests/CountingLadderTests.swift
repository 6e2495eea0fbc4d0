import MiniGPTDatasets
import MiniGPTStorage
import MiniGPTTestSupport
import Testing
import MiniGPTEvaluation

@Suite struct CountingLadderTests {
  private func corpus(_ folder: Folder, _ name: String, _ text: String) throws -> TextCorpus {
    try TextCorpus([try folder.write(name, text)])
  }

  @Test func longerGramsPredictOrderedTextBetter() throws {
    let folder = try Folder()
    let text = try corpus(folder, "a", verses(400)), parts = text.split(holdingOut: 0.1, most: .max)
    let ladder = try #require(CountingLadder.measure(training: parts.training, held: parts.validation, first: 0))
    #expect(ladder.bitsPerByte.count == CountingLadder.order)
    #expect(ladder.bytes == parts.validation[0].range.count)
    #expect(ladder.bitsPerByte[0] > 3 && ladder.bitsPerByte[0] < 8)
    for n in 1..<5 { #expect(ladder.bitsPerByte[n] < ladder.bitsPerByte[n - 1], "order \(n + 1)") }
    #expect(ladder.best.bitsPerByte == ladder.bitsPerByte.min())
  }

  /// One byte of two kinds, evenly mixed, costs one bit; the text's first bytes can be left out, and its last.
  @Test func aCoinCostsABit() throws {
    let folder = try Folder()
    let training = try corpus(folder, "a", String(repeating: "abba", count: 5000))
    let held = try corpus(folder, "b", String(repeating: "ab", count: 500))
    let ladder = try #require(
      CountingLadder.measure(training: training.parts, held: held.parts, bytes: 900, first: 10))
    #expect(ladder.bytes == 890)
    #expect(abs(ladder.bitsPerByte[0] - 1) < 0.001)
  }

  @Test func nothingToPredictHasNoLadder() throws {
    let folder = try Folder()
    let text = try corpus(folder, "a", "abc")
    #expect(CountingLadder.measure(training: text.parts, held: [], first: 0) == nil)
    #expect(CountingLadder.measure(training: text.parts, held: text.parts, first: 3) == nil)
    #expect(CountingLadder.measure(training: text.parts, held: text.parts, first: 0) { _ in false } == nil)
  }
}
