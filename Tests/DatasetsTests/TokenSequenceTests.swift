import MiniGPTDatasets
import MiniGPTParallel
import MiniGPTStorage
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization

@Suite struct TokenSequenceTests {
  let folder: Folder
  let pool = WorkerPool(threads: 2)
  let tokenizer = ByteTokenizer()

  init() throws { folder = try Folder() }

  private func ids(_ sequence: TokenSequence) -> [Int32] {
    sequence.read(0..<sequence.count) { ids in ids.indices.map { ids[$0] } }
  }

  /// The ids of texts with the end-of-text token between them.
  private func joined(_ texts: [String]) throws -> [Int32] {
    let end = try #require(tokenizer.endOfText)
    return try Array(texts.map { try tokenizer.encode($0) }.joined(separator: [end]))
  }

  private func encode(_ texts: [String], lines: Bool = false, most: Int = .max) throws -> TokenSequence {
    let paths = try texts.enumerated().map { try folder.write("\($0.offset)", $0.element) }
    return try TokenSequence.encode(
      TextCorpus(paths).parts, tokenizer, lines ? .lines : .plain, most: most, pool: pool, folder: folder.path("."))
  }

  @Test func isTheTextsIds() throws {
    let sequence = try encode(["What is aught, but as 'tis valued?"])
    #expect(ids(sequence) == (try joined(["What is aught, but as 'tis valued?"])))
    #expect(sequence.read(5..<7) { ids in ids.count } == 2)
    #expect(sequence.read(5..<7) { ids in ids[0] } == ids(sequence)[5])
  }

  @Test func standsBetweenFiles() throws {
    #expect(ids(try encode(["one\n", "two", "three"])) == (try joined(["one\n", "two", "three"])))
  }

  @Test func takesEachLineAsAText() throws {
    let sequence = try encode(["\u{FEFF}one\n\ntwo\r\n\n", "three", "\n\n", "four\n"], lines: true)
    #expect(ids(sequence) == (try joined(["one", "two", "three", "four"])))
  }

  /// Names of special tokens are those tokens where that is asked for, wherever the parts of work are cut.
  @Test func namesBecomeTokens() throws {
    let texts = (0..<9000).map { "story \($0) of the sea\n" }
    let path = try folder.write("stories", texts.joined(separator: SpecialToken.endOfText))
    let sequence = try TokenSequence.encode(TextCorpus([path]).parts, tokenizer, .specials, pool: pool)
    #expect(ids(sequence) == (try joined(texts)))
    let plain = try TokenSequence.encode(TextCorpus([path]).parts, tokenizer, pool: pool)
    #expect(!ids(plain).contains(try #require(tokenizer.endOfText)))
  }

  /// What the tokenizer's marks say stands before and between texts.
  @Test func marksStandWhereTheyShould() throws {
    let paths = try ["a", "b"].enumerated().map { try folder.write("\($0.offset)", $0.element) }
    func encode(_ marks: TextMarks) throws -> [Int32] {
      var bytes = ByteTokenizer()
      bytes.marks = marks
      return ids(try TokenSequence.encode(TextCorpus(paths).parts, bytes, pool: pool))
    }
    let (a, b) = (ByteTokenizer().letter("a"), ByteTokenizer().letter("b"))
    #expect(try encode(TextMarks(begin: 256, ends: [256])) == [a, 256, b])
    #expect(try encode(TextMarks(begin: nil, ends: [])) == [a, b])
    #expect(try encode(TextMarks(begin: 256, ends: [256], isPrefixed: true)) == [256, a, 256, b])
    #expect(try encode(TextMarks(begin: 7, ends: [256], isPrefixed: true)) == [7, a, 256, 7, b])
    var bytes = ByteTokenizer()
    bytes.marks = TextMarks(begin: nil, ends: [])
    #expect(throws: DatasetError.self) { try TokenSequence.encode(TextCorpus(paths).parts, bytes, .lines, pool: pool) }
  }

  /// Lines in many parts of work, and in several files, give what they give one by one.
  @Test func linesDoNotDependOnParts() throws {
    let lines = verses(30_000).split(separator: "\n").map(String.init)
    let sequence = try encode(["\n\n", lines.joined(separator: "\n"), "\n", "last\n"], lines: true)
    #expect(lines.joined().utf8.count > 800_000)
    #expect(ids(sequence) == (try joined(lines + ["last"])))
    let path = try folder.write("a", "abc\nabc\nabé\n")
    let characters = try CharacterTokenizer(Array("abc".utf8))
    let error = #expect(throws: DatasetError.self) {
      _ = try TokenSequence.encode(TextCorpus([path]).parts, characters, .lines, pool: pool)
    }
    #expect(error?.description == "\(path): 'é' (U+00E9) at byte 10 never occurred in the training text")
  }

  @Test(arguments: [0, 1, 3, 4, 5, 8, 9]) func stopsAtTheMost(most: Int) throws {
    let all = try joined(["abc", "de", "f"])
    #expect(all.count == 8)
    #expect(ids(try encode(["abc", "de", "f"], most: most)) == Array(all.prefix(most)))
    #expect(ids(try encode(["abc\nde\nf"], lines: true, most: most)) == Array(all.prefix(most)))
  }

  @Test func threadsDoNotShow() throws {
    let path = try folder.write("verses", verses(40_000))
    let parts = try TextCorpus([path]).parts
    let characters = try CharacterTokenizer(parts.map(\.text), pool: pool)
    let first = ids(try TokenSequence.encode(parts, characters, pool: WorkerPool(threads: 1)))
    #expect(first.count > 1_000_000)
    #expect(ids(try TokenSequence.encode(parts, characters, pool: WorkerPool(threads: 3))) == first)
  }

  @Test func saysHowFarItIs() throws {
    let paths = try [folder.write("a", "abcdef"), folder.write("b", "ghi")]
    var done: [Int] = []
    _ = try TokenSequence.encode(TextCorpus(paths).parts, tokenizer, pool: pool) { done.append($0) }
    #expect(done == [6, 9])
  }

  @Test func namesTheFileOfAnUnknownCharacter() throws {
    let path = try folder.write("a", "abcé")
    let characters = try CharacterTokenizer(Array("abc".utf8))
    let error = #expect(throws: DatasetError.self) {
      _ = try TokenSequence.encode(TextCorpus([path]).parts, characters, pool: pool)
    }
    #expect(error?.description == "\(path): 'é' (U+00E9) at byte 3 never occurred in the training text")
  }

  @Test func holdsIdsThatStandAlready() throws {
    #expect(ids(try TokenSequence.of([5, 0, 7])) == [5, 0, 7])
    #expect(try TokenSequence.of([]).count == 0)
  }
}

extension ByteTokenizer {
  fileprivate func letter(_ letter: Character) -> Int32 { (try? encode(String(letter)))?.first ?? -1 }
}
