import MiniGPTStorage
import MiniGPTTestSupport
import MiniGPTTokenization
import Testing

/// What begins and ends a text, wherever it comes from.
@Suite struct TextMarksTests {
  /// Bytes and two special tokens, as another program writes them; `more` are members of the file.
  private func file(_ specials: [String], _ more: String = "") -> String {
    let bytes = TokenizerJSON.text(ByteTokenizer())
    let text = String(decoding: bytes, as: UTF8.self)
    let names = specials.enumerated().map {
      "{\"id\":\(256 + $0.offset),\"content\":\"\($0.element)\",\"special\":true}"
    }
    let start = text.range(of: "\"added_tokens\":[")?.upperBound ?? text.startIndex
    let end = text[start...].range(of: "],\"normalizer\"")?.lowerBound ?? start
    return (text[..<start] + names.joined(separator: ",") + text[end...]).replacing(
      ",\"<|endoftext|>\":256", with: ""
    ).replacing("\"post_processor\":null", with: "\"post_processor\":" + (more.isEmpty ? "null" : more))
  }

  private func parse(_ text: String) throws -> any Tokenizer {
    try TokenizerJSON.parse(Array(text.utf8).rawBytes, source: "t.json")
  }

  private static func template(_ names: [String]) -> String {
    let parts = names.map { $0 == "A" ? "{\"Sequence\":{\"id\":\"A\"}}" : "{\"SpecialToken\":{\"id\":\"\($0)\"}}" }
    return "{\"type\":\"TemplateProcessing\",\"single\":[\(parts.joined(separator: ","))]}"
  }

  @Test func usualOnes() throws {
    #expect(ByteTokenizer().marks == TextMarks(begin: 256, ends: [256]))
    #expect(try parse(file(["<|endoftext|>"])).marks == TextMarks(begin: 256, ends: [256]))
    #expect(try parse(file(["<s>", "</s>"])).marks == TextMarks(begin: nil, ends: []))
    #expect(throws: TokenizerError.noBeginning) { try parse(file([])).opening([]) }
    #expect(try parse(file([])).opening([5]) == [5])
  }

  @Test func templatesPutAMarkBeforeEachText() throws {
    let tokenizer = try parse(file(["<s>", "</s>"], Self.template(["<s>", "A"])))
    #expect(tokenizer.marks == TextMarks(begin: 256, ends: [], isPrefixed: true))
    #expect(try tokenizer.opening([1, 2]) == [256, 1, 2] && tokenizer.opening([256, 1]) == [256, 1])
    #expect(tokenizer.separator(isFirst: true) == [256])
    for wrong in [["A", "</s>"], ["<s>", "A", "</s>"], ["<x>", "A"], ["<s>", "<s>", "A"]] {
      #expect(throws: TokenizerError.self) { try parse(file(["<s>", "</s>"], Self.template(wrong))) }
    }
    for other in ["\"x\"", "[]", "{\"type\":\"NoSuchThing\"}", "{\"type\":\"BertProcessing\"}"] {
      #expect(throws: TokenizerError.self) { try parse(file(["<s>"], other)) }
    }
  }

  /// They travel in what a checkpoint keeps, with ids that no token has.
  @Test func comeBack() throws {
    var tokenizer = try parse(file(["<s>", "</s>"]))
    tokenizer.marks = TextMarks(begin: 256, ends: [257, 10], isPrefixed: true)
    let padded = try #require(tokenizer.padded(to: 300)), text = TokenizerJSON.text(padded)
    let read = try TokenizerJSON.parse(text.rawBytes, source: "t.json")
    #expect(read.marks == tokenizer.marks && read.vocabularySize == 300)
    #expect(read.unusedIds == Array(258..<300) && read.tokenByteLengths.suffix(44).allSatisfy { $0 == 0 })
    #expect(TokenizerJSON.text(read) == text)
    #expect(try read.encode("ab") == tokenizer.encode("ab"))
    // What is usual says nothing, so that older programs read the same.
    #expect(!String(decoding: TokenizerJSON.text(ByteTokenizer()), as: UTF8.self).contains("minigpt"))
  }

  @Test func foldersNameThem() throws {
    let folder = try Folder()
    try folder.write("tokenizer.json", file(["<s>", "</s>"]))
    try folder.write("special_tokens_map.json", #"{"eos_token": {"content": "</s>"}}"#)
    #expect(try TokenizerFile.open(folder.whole).marks == TextMarks(begin: 257, ends: [257]))
    try folder.write("tokenizer_config.json", #"{"bos_token": "<s>"}"#)
    #expect(try TokenizerFile.open(folder.whole).marks == TextMarks(begin: 256, ends: [257]))
    try folder.write("tokenizer_config.json", #"{"bos_token": 7}"#)
    let error = #expect(throws: TokenizerError.self) { try TokenizerFile.open(folder.whole) }
    #expect(error?.description.contains("tokenizer_config.json: field `bos_token") == true)
  }

  @Test func whatTakesInItsSurroundingsIsRefused() throws {
    for flag in ["lstrip", "rstrip", "single_word"] {
      let text = file(["<s>"]).replacing("\"special\":true", with: "\"special\":true,\"\(flag)\":true")
      let error = #expect(throws: TokenizerError.self) { try parse(text) }
      #expect(error?.description.contains(flag) == true)
    }
    for dropout in ["\"0.1\"", "0.1", "2.0", "-0.5"] {
      let text = file(["<s>"]).replacing("\"dropout\":null", with: "\"dropout\":\(dropout)")
      #expect(throws: TokenizerError.self) { try parse(text) }
    }
    _ = try parse(file(["<s>"]).replacing("\"dropout\":null", with: "\"dropout\":0.0"))
  }

  /// Older files do not say what kind of model they hold.
  @Test func kindsFollowFromWhatIsThere() throws {
    let text = file(["<|endoftext|>"])
    #expect(text.contains("\"type\":\"BPE\","))
    #expect(try parse(text.replacing("\"type\":\"BPE\",", with: "")).vocabularySize == 257)
  }

  @Test func gapsInRanksAreFilledOrLeft() throws {
    func ranks(_ numbers: [Int]) -> [UInt8] {
      let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
      return Array(
        numbers.enumerated().map { place, number in
          "\(letters[place / 64 % 64])\(letters[place % 64])AA \(number)"
        }.joined(separator: "\n").utf8)
    }
    let folder = try Folder()
    func open(_ numbers: [Int]) throws -> any Tokenizer { try TokenizerFile.open(folder.write("r", ranks(numbers))) }
    #expect(try open([0, 1, 2]).endOfText == 3)
    let gap = try open([0, 1, 3])
    #expect(gap.endOfText == 2 && gap.vocabularySize == 4 && gap.unusedIds.isEmpty)
    let two = try open([0, 2, 4])
    #expect(two.endOfText == 5 && two.unusedIds == [1, 3])
    #expect(try TokenizerFile.open(folder.write("again", TiktokenRanks.text(gap, path: "x"))).endOfText == 2)
  }
}
