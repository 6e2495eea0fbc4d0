import MiniGPTDatasets
import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization

@Suite struct TextCorpusTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  private func text(_ parts: [TextCorpus.Part]) -> [String] {
    parts.map { part in
      String(decoding: part.range.map { part.file.bytes[$0] }, as: UTF8.self)
    }
  }

  @Test func splitsAsTheFractionSays() throws {
    let corpus = try TextCorpus([folder.write("a", "0123456789")])
    let (training, validation) = corpus.split(holdingOut: 0.25, most: .max)
    #expect(text(training) == ["0123456"])
    #expect(text(validation) == ["789"])
    #expect(corpus.byteCount == 10)
    #expect(text(corpus.parts) == ["0123456789"])
  }

  /// int(n · 0.9), as nanoGPT's recipe has it; 1,115,394 is tinyshakespeare's size.
  @Test(arguments: [(1_115_394, 1_003_854), (10, 9), (9, 8), (1, 0), (111, 99)])
  func keepsNineTenths(count: Int, kept: Int) throws {
    let corpus = try TextCorpus([folder.write("a", String(repeating: "x", count: count))])
    let (training, validation) = corpus.split(holdingOut: 0.1, most: .max)
    #expect(training.reduce(0) { $0 + $1.range.count } == kept)
    #expect(validation.reduce(0) { $0 + $1.range.count } == count - kept)
  }

  /// Lines of verse begin with capital letters; prose that was cut into lines, lists and long lines are something else.
  @Test func knowsVerse() throws {
    let verse = "Now, fair Hippolyta, our nuptial hour\nDraws on apace; four happy days bring in\nAnother moon.\n\n"
    let prose = "The boundary between the two was not\nwhere anybody had expected it to be, and\nit moved.\n\n"
    func isVerse(_ text: String, _ count: Int) throws -> Bool {
      try TextCorpus([folder.write("v", String(repeating: text, count: count))]).isVerse
    }
    #expect(try isVerse(verse, 30) && isVerse(verse.replacingOccurrences(of: "\n", with: "\r\n"), 30))
    #expect(try !isVerse(verse, 2), "too little to tell")
    #expect(try !isVerse(prose, 30))
    #expect(try !isVerse("12 green bottles, hanging on the wall;\n", 99))
    #expect(
      try !isVerse(verse.replacingOccurrences(of: "\nD", with: " D").replacingOccurrences(of: "\nA", with: " A"), 99))
    #expect(try !isVerse("\n\n\n", 99))
  }

  @Test func holdsNothingOut() throws {
    let corpus = try TextCorpus([folder.write("a", "abc"), folder.write("b", "de")])
    let (training, validation) = corpus.split(holdingOut: 0, most: .max)
    #expect(text(training) == ["abc", "de"])
    #expect(validation.isEmpty)
  }

  @Test(arguments: 1...40) func neverSplitsACharacter(percent: Int) throws {
    let whole = "aé漢😀zß日本語👩‍🚀x"
    let corpus = try TextCorpus([folder.write("a", whole)])
    for most in [Int.max, 1, 2, 3, 4, 5, 7] {
      let (training, validation) = corpus.split(holdingOut: Double(percent) / 100, most: most)
      let kept = text(training).joined(), held = text(validation).joined()
      #expect(!(kept + held).unicodeScalars.contains("\u{FFFD}"))
      #expect(held.utf8.count <= most)
      if most == .max {
        #expect(kept + held == whole)
        // The cut moves on by less than a character.
        let asked = Int(Double(whole.utf8.count) * (1 - Double(percent) / 100))
        #expect((asked..<asked + 4).contains(kept.utf8.count))
      }
    }
  }

  /// What is no UTF-8 is cut all the same.
  @Test func cutsBytesThatAreNoText() throws {
    let path = folder.path("a")
    try Data([UInt8](repeating: 0x80, count: 1000)).write(to: folder.url.appendingPathComponent("a"))
    let (training, validation) = try TextCorpus([path]).split(holdingOut: 0.5, most: 100)
    #expect(training.map(\.range) == [0..<503])
    #expect(validation.map(\.range) == [503..<600])
  }

  @Test func splitsFilesAsOneText() throws {
    let paths = try [folder.write("a", "01234"), folder.write("b", "56789"), folder.write("c", "abcdefghij")]
    let corpus = try TextCorpus(paths)
    #expect(text(corpus.split(holdingOut: 0.65, most: .max).training) == ["01234", "56"])
    #expect(text(corpus.split(holdingOut: 0.65, most: .max).validation) == ["789", "abcdefghij"])
    #expect(text(corpus.split(holdingOut: 0.65, most: 5).validation) == ["789", "ab"])
    #expect(text(corpus.split(holdingOut: 0.5, most: .max).training) == ["01234", "56789"])
  }

  @Test func fingerprintKnowsBytesAndFiles() throws {
    func fingerprint(_ texts: [String]) throws -> UInt64 {
      try TextCorpus(texts.enumerated().map { try folder.write("f\($0.offset)", $0.element) }).fingerprint
    }
    let once = try fingerprint(["ab", "c"])
    #expect(try fingerprint(["ab", "c"]) == once)
    #expect(try fingerprint(["a", "bc"]) != once)
    #expect(try fingerprint(["ab", "d"]) != once)
    #expect(try fingerprint(["abc"]) != once)
  }

  @Test func refusesWhatCannotBeLearned() throws {
    let empty = try folder.write("empty", "")
    let error = #expect(throws: DatasetError.self) { _ = try TextCorpus([empty]) }
    #expect(error?.description == "\(empty): empty: there is nothing to learn from")
    #expect(throws: StorageError.self) { _ = try TextCorpus([folder.path("missing")]) }
    #expect(throws: StorageError.self) { _ = try TextCorpus([MiniGPTStorage.Path(folder.url.path)]) }
  }
}
