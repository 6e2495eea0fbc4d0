import MiniGPTDatasets
import Foundation
import MiniGPTParallel
import MiniGPTStorage
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization

@Suite struct SentencePairsTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func pairsAreRead() throws {
    let folder = try Folder()
    let first = try folder.write("a.tsv", "\u{FEFF}a cat\tun gato\r\na dog\tun perro\n")
    let second = try folder.write("b.tsv", "  a bird \t un pájaro")
    let pairs = try SentencePairs([first, second])
    #expect(pairs.count == 3 && pairs.skipped.count == 0 && pairs.skipped.summary == "")
    #expect((0..<3).map { text(pairs.bytes($0).source) } == ["a cat", "a dog", "  a bird "])
    #expect((0..<3).map { text(pairs.bytes($0).target) } == ["un gato", "un perro", " un pájaro"])
    #expect(pairs.texts(2).target.count == 11)
  }

  @Test func badLinesAreCountedAndNamed() throws {
    let folder = try Folder()
    var bytes = Array("good\tgut\n\nno tab here\na\tb\tc\n\tb\na\t\n \u{3000}\u{A0}\tb\na\t \u{2003}\n".utf8)
    bytes += Array("caf".utf8) + [0xE9] + Array("\tx\n".utf8)
    bytes += Array((String(repeating: "x", count: 600_000) + "\t" + String(repeating: "y", count: 600_000) + "\n").utf8)
    bytes += Array("last\tletzte".utf8)
    try Data(bytes).write(to: folder.url.appendingPathComponent("bad.tsv"))
    let pairs = try SentencePairs([folder.path("bad.tsv")])
    #expect(pairs.count == 2)
    #expect(text(pairs.bytes(1).target) == "letzte")
    #expect(pairs.skipped.count == 9)
    #expect(pairs.skipped.first.map(\.line) == [2, 3, 4, 5, 6, 7, 8, 9, 10])
    #expect(
      pairs.skipped.first.map(\.problem) == [
        .emptyLine, .noTab, .manyTabs(2), .blankSource, .blankTarget, .blankSource, .blankTarget, .brokenUTF8(byte: 4),
        .longLine(bytes: 1_200_001),
      ])
    #expect(
      pairs.skipped.summary
        == "1 empty, 1 without a TAB, 1 with more than one TAB, 2 with an empty source, 2 with an empty target, "
        + "1 not UTF-8, 1 too long")
    let file = "\(folder.path("bad.tsv"))"
    #expect("\(pairs.skipped.first[1])" == "\(file): line 3: no TAB: expected source TAB target")
    #expect("\(pairs.skipped.first[7])" == "\(file): line 9: not UTF-8 at its byte 4")
  }

  @Test func onlyTheFirstHundredAreNamed() throws {
    let folder = try Folder()
    let lines = String(repeating: "no tab\n", count: 250) + "a\tb\n"
    let pairs = try SentencePairs([folder.write("many.tsv", lines)])
    #expect(pairs.skipped.count == 250 && pairs.skipped.first.count == 100 && pairs.count == 1)
  }

  @Test func filesWithoutPairsAreRefused() throws {
    let folder = try Folder()
    let path = try folder.write("plain.txt", "a text\nof two lines\n")
    let error = #expect(throws: DatasetError.self) { try SentencePairs([path]) }
    #expect(
      error.map { "\($0)" } == "\(path): no line is a pair, source TAB target "
        + "(\(path): line 1: no TAB: expected source TAB target)")
    #expect(throws: DatasetError.emptyCorpus("\(folder.path("empty"))")) {
      try SentencePairs([folder.write("empty", "")])
    }
  }

  @Test func theSourceAloneDecidesWhatIsHeldOut() throws {
    let folder = try Folder()
    let lines = (0..<2000).map { "sentence \($0 % 1000)\tSatz \($0)" }
    let pairs = try SentencePairs([folder.write("a.tsv", lines.joined(separator: "\n"))])
    let (training, heldOut) = pairs.split(holdingOut: 0.1, most: 10_000)
    #expect((120...280).contains(heldOut.count))
    #expect((training + heldOut).sorted() == (0..<2000).map { Int32($0) })
    func sources(_ pairs: SentencePairs, _ which: [Int32]) -> Set<String> {
      Set(which.map { text(pairs.bytes(Int($0)).source) })
    }
    #expect(sources(pairs, training).isDisjoint(with: sources(pairs, heldOut)))
    let shuffled = try SentencePairs([folder.write("b.tsv", lines.reversed().joined(separator: "\n"))])
    #expect(sources(shuffled, shuffled.split(holdingOut: 0.1, most: 10_000).heldOut) == sources(pairs, heldOut))
    #expect((20...80).contains(pairs.split(holdingOut: 0.1, most: 50).heldOut.count))
    #expect(pairs.split(holdingOut: 0, most: 50).heldOut.isEmpty)
  }

  @Test func pairsAreRecognised() throws {
    let folder = try Folder()
    func looks(_ text: String) throws -> Bool { try SentencePairs.looksLikePairs(MappedFile(folder.write("x", text))) }
    #expect(try looks("a\tb\nc\td\ne\tf\n"))
    #expect(try !looks("a\tb\nc d\ne\tf\n"))
    #expect(try !looks("a\tb\n"))
    #expect(try !looks("KING:\nTo be\n"))
    #expect(try !looks(""))
  }

  @Test func aVocabularyIsTrainedOnBothSides() throws {
    let folder = try Folder()
    let lines = (0..<50).map { "kitten number \($0)\tgatito número \($0)" }
    let pairs = try SentencePairs([folder.write("a.tsv", lines.joined(separator: "\n"))])
    var trainer = BPETrainer(vocabularySize: 259 + 22)
    trainer.layout = .translation
    trainer.splitter = .spaces
    let texts = (0..<pairs.count).flatMap { [pairs.texts($0).source, pairs.texts($0).target] }
    let tokenizer = try trainer.train(texts, pool: WorkerPool(threads: 2))
    #expect(tokenizer.vocabularySize == 281)
    #expect(tokenizer.id(of: SpecialToken.endOfSentence) == 0 && tokenizer.id(of: SpecialToken.unknown) == 1)
    #expect(tokenizer.id(of: SpecialToken.padding) == 280)
    let tokens = try tokenizer.encode("kitten gatito")
    #expect(tokens.count <= 3 && tokens.allSatisfy { $0 >= 2 && $0 < 280 })
    // No token reaches from one sentence into the next, or over the TAB.
    #expect((258..<280).allSatisfy { id in !tokenizer.bytes(of: Int32(id)).contains { $0 == 9 || $0 == 10 } })
  }
}
