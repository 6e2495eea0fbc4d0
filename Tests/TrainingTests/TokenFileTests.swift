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

  /// Somebody else's files, without checksums.
  @Test(arguments: [
    (#""version":"1","training":"9","bytes":"1""#, "I32", 0, "its metadata has no right `training`"),
    (#""version":"1","training":"1","bytes":"x""#, "I32", 0, "its metadata has no right `bytes`"),
    (#""version":"2","training":"1","bytes":"1""#, "I32", 0, "its version is not 1, the one that is known here"),
    (
      #""version":"1","training":"1","bytes":"1""#, "F32", 0,
      "`ids` is no list of four-byte numbers at a multiple of four"
    ),
    (
      #""version":"1","training":"1","bytes":"1""#, "I32", 1,
      "`ids` is no list of four-byte numbers at a multiple of four"
    ),
    (#""version":"1","training":"1","bytes":"1""#, "I32", 0, "it has no tokenizer"),
  ])
  func whatIsWrongIsNamed(metadata: String, type: String, shift: Int, problem: String) throws {
    let folder = try Folder(), path = folder.path("a.tokens")
    var header = #"{"__metadata__":{"format":"minigpt-tokens",\#(metadata)},"#
    header += #""ids":{"dtype":"\#(type)","shape":[2],"data_offsets":[0,8]}}"#
    while (header.utf8.count + 8) % 4 != shift { header += " " }
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    try folder.write("a.tokens", length + Array(header.utf8) + [1, 0, 0, 0, 2, 0, 0, 0])
    #expect(throws: DatasetError.notIds("\(path)", problem)) { try TokenFile(path) }
  }

  @Test func aSequenceHasParts() throws {
    let all = try TokenSequence.of(Array(0..<100))
    #expect(ids(all.part(10..<13)) == [10, 11, 12])
    #expect(ids(all.part(10..<50).part(5..<7)) == [15, 16])
    #expect(all.part(7..<7).count == 0)
    #expect(all.blocks.count == 1)
  }
}
