import MiniGPTDatasets
import MiniGPTCheckpoints
import MiniGPTStorage
import MiniGPTTestSupport
import MiniGPTTokenization
import MiniGPTTraining
import Testing

@Suite struct TokenFileTests {
  private func ids(_ sequence: TokenSequence) -> [Int32] {
    sequence.read(0..<sequence.count) { ids in ids.indices.map { ids[$0] } }
  }

  @Test func whatIsWrittenIsRead() throws {
    let folder = try Folder(), path = folder.path("a.tokens")
    let training = try TokenSequence.of([72, 101, 256, 0]), heldOut = try TokenSequence.of([255, 1])
    try TokenFile.write(
      path, training: training, heldOut: heldOut, ByteTokenizer(), origin: TokenFile.Origin(texts: "a test"))
    #expect(TokenFile.isOne(path))
    let file = try TokenFile(path)
    #expect(ids(file.training) == [72, 101, 256, 0] && ids(file.heldOut) == [255, 1])
    #expect(file.origin == TokenFile.Origin(texts: "a test"))
    // The end of a text stands for no bytes.
    #expect(file.byteCount == 5)
    #expect(try file.tokenizer().vocabularySize == 257)
    let corpus = file.corpus
    #expect(corpus.tokens.map(ids) == [72, 101, 256, 0, 255, 1])
    #expect(corpus.parts.isEmpty && corpus.byteCount == file.byteCount)
  }

  @Test func idsBeyondTheVocabularyAreRefused() throws {
    let folder = try Folder(), path = folder.path("a.tokens")
    for (bad, place) in [([1, 2, 257], 2), ([-1, 2], 0)] as [([Int32], Int)] {
      let sequence = try TokenSequence.of(bad)
      let found = try #require(sequence.firstStranger(vocabularySize: 257))
      #expect(found.place == place && found.id == bad[place])
    }
    #expect(try TokenSequence.of([0, 256]).firstStranger(vocabularySize: 257) == nil)
    // Damaged on disk.
    try TokenFile.write(path, training: try TokenSequence.of([1, 2, 3]), ByteTokenizer())
    var bytes = try FileReader.bytes(of: path)
    bytes[bytes.count - 1] = 0x7F
    try folder.write("a.tokens", bytes)
    #expect(throws: SafetensorsError.self) { try TokenFile(path) }
  }

  @Test func aSequenceHasParts() throws {
    let all = try TokenSequence.of(Array(0..<100))
    #expect(ids(all.part(10..<13)) == [10, 11, 12])
    #expect(ids(all.part(10..<50).part(5..<7)) == [15, 16])
    #expect(all.part(7..<7).count == 0)
    #expect(all.blocks.count == 1)
  }
}
