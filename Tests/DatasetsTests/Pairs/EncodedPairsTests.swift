import MiniGPTDatasets
import MiniGPTParallel
import MiniGPTStorage
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization

@Suite struct EncodedPairsTests {
  private func pairs(_ count: Int, _ folder: Folder) throws -> SentencePairs {
    let lines = (0..<count).map { "word \($0)\t" + String(repeating: "Wort ", count: $0 % 7 + 1) + "\($0)" }
    return try SentencePairs([folder.write("pairs.tsv", lines.joined(separator: "\n"))])
  }

  private func ids(_ encoded: EncodedPairs, _ place: Int) -> (source: [Int32], target: [Int32]) {
    encoded.read(place) { source, target in
      (source.indices.map { source[$0] }, target.indices.map { target[$0] })
    }
  }

  @Test(arguments: [1, 3]) func idsAreThoseOfTheSentences(_ threads: Int) throws {
    let folder = try Folder(), pairs = try pairs(3000, folder)
    let tokenizer = try BPETrainer(vocabularySize: 300).train(Array("Wort word Wort word 123".utf8))
    let which = (0..<3000).filter { $0 % 3 != 1 }.map { Int32($0) }
    let encoded = try EncodedPairs.encode(pairs, which, tokenizer, places: 1000, pool: WorkerPool(threads: threads))
    #expect(encoded.numbers == which && encoded.skipped.count == 0)
    var source = 0, target = 0
    for place in 0..<encoded.count {
      let bytes = pairs.bytes(Int(which[place])), found = ids(encoded, place)
      #expect(try found.source == tokenizer.encode(bytes.source) && found.target == tokenizer.encode(bytes.target))
      #expect(found.source.count == Int(encoded.sourceCounts[place]))
      source += found.source.count + 1
      target += found.target.count + 1
    }
    #expect(encoded.sourceTokens == source && encoded.targetTokens == target)
  }

  @Test func pairsThatAreTooLongAreNamed() throws {
    let folder = try Folder()
    let long = String(repeating: "word ", count: 10_000)
    let path = try folder.write("pairs.tsv", "ab\tcd\n\(long)\tx\nabc\tdef\nx\t\(long)\nabcd\te\n")
    let encoded = try EncodedPairs.encode(
      SentencePairs([path]), [0, 1, 2, 3, 4], ByteTokenizer(), places: 4, pool: WorkerPool(threads: 2))
    #expect(encoded.numbers == [0, 2])
    #expect(encoded.skipped.first.map(\.line) == [2, 4, 5])
    #expect(encoded.skipped.first[0].problem == .tooLong(tokens: 50_001, places: 4))
    #expect(encoded.skipped.first[2].problem == .tooLong(tokens: 5, places: 4))
    #expect("\(encoded.skipped.first[2])" == "\(path): line 5: too long: 5 tokens, and the model has 4 places")
    #expect(encoded.skipped.summary == "3 too long")
    #expect(ids(encoded, 1).target.count == 3)
  }
}
