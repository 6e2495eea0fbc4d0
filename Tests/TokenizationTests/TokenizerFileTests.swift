import Foundation
import MiniGPTStorage
import Testing
import MiniGPTTokenization

@Suite struct TokenizerFileTests {
  private func withFolder(_ body: (Path) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(Path(folder.path))
  }

  @Test(arguments: ["t.json", "t.tiktoken", "t"]) func comesBack(name: String) throws {
    try withFolder { folder in
      let tokenizer = try smallTokenizer()
      let path = folder.appending(name)
      try TokenizerFile.write(tokenizer, to: path)
      let read = try TokenizerFile.open(path)
      let peers = try PeerFixtures.read()
      #expect(try read.encode(peers.corpus) == peers.ids)
      #expect(read.vocabularySize == tokenizer.vocabularySize)
      #expect(read.endOfText == tokenizer.endOfText)
      let again = folder.appending("again" + (name.contains(".") ? String(name.dropFirst()) : ""))
      try TokenizerFile.write(read, to: again)
      if name == "t" {
        for file in ["vocab.json", "merges.txt"] {
          #expect(
            try FileReader.bytes(of: path.appending(file)) == FileReader.bytes(of: again.appending(file)))
        }
      } else {
        #expect(try FileReader.bytes(of: path) == FileReader.bytes(of: again))
      }
    }
  }

  @Test func othersComeBackAsJSON() throws {
    try withFolder { folder in
      let path = folder.appending("t.json")
      let tokenizers: [any Tokenizer] = [ByteTokenizer(), try CharacterTokenizer(Array("hé".utf8))]
      for tokenizer in tokenizers {
        try TokenizerFile.write(tokenizer, to: path)
        #expect(try TokenizerFile.open(path).kind == tokenizer.kind)
        #expect(try TokenizerFile.open(folder.appending("t.json")).vocabularySize == tokenizer.vocabularySize)
      }
    }
  }

  @Test func whatAFormatCannotExpressIsRefused() throws {
    try withFolder { folder in
      let characters = try CharacterTokenizer(Array("abc".utf8))
      #expect(throws: TokenizerError.self) { try TokenizerFile.write(characters, to: folder.appending("t.tiktoken")) }
      #expect(throws: TokenizerError.self) { try TokenizerFile.write(characters, to: folder.appending("t")) }
      #expect(throws: TokenizerError.self) {
        try TokenizerFile.write(try smallTokenizer(.cl100k), to: folder.appending("t"))
      }
      #expect(throws: TokenizerError.self) { try TokenizerFile.open(folder) }
      #expect(throws: StorageError.self) { try TokenizerFile.open(folder.appending("missing.json")) }
    }
  }

  /// What stands in a rank file, and what the error says.
  static let ranks: [(text: String, problem: String)] = [
    ("IQ== 0\nIQ== 1\n", "line 2"), ("IQ== 0\nIg== 0\n", "line 2"),
    ("IQ== 0\nI!== 1\n", "base64"), ("IQ== 0\nIg==\n", "line 2"), ("IQ== 0\nIg== -1\n", "rank from 0"),
    ("IQ== 0\nIg== 99999999999\n", "rank from 0"), ("IQ== 0\nIh== 1\n", "base64"), ("hello\n", "no tokenizer"),
    ("", "no tokenizer"), ("\u{0}\u{1}", "no tokenizer"), ("IQ== 0\n 1\n", "base64"),
  ]

  @Test(arguments: ranks.indices) func brokenRanksAreNamed(index: Int) throws {
    try withFolder { folder in
      let path = folder.appending("t.tiktoken")
      try AtomicFile.write(Array(Self.ranks[index].text.utf8).rawBytes, to: path)
      let error = #expect(throws: TokenizerError.self) { try TokenizerFile.open(path) }
      let text = error?.description ?? ""
      #expect(text.contains(Self.ranks[index].problem) && text.contains("t.tiktoken"), "\(text)")
    }
  }

  /// The two files, and what the error says.
  static let folders: [(vocabulary: String, merges: String, problem: String)] = [
    ("{\"a\":0,\"b\":1,\"ab\":2}", "#version: 0.2\na c\n", "merges.txt: field `line 2`: `c` is not in"),
    ("{\"a\":0,\"b\":1,\"ab\":2}", "a b c\n", "merges.txt: field `line 1`: expected two"),
    ("{\"a\":0,\"b\":0,\"ab\":1}", "a b\n", "vocab.json: the id 0 is both"),
    ("{\"a\":0,\"b\":true,\"ab\":1}", "a b\n", "vocab.json: field ``b``: expected an id"),
    ("[]", "a b\n", "vocab.json: expected an object"), ("{", "", "vocab.json"),
    ("{}", "", "vocab.json: it has no tokens"),
  ]

  @Test(arguments: folders.indices) func brokenFoldersAreNamed(index: Int) throws {
    try withFolder { folder in
      let fault = Self.folders[index]
      try AtomicFile.write(Array(fault.vocabulary.utf8).rawBytes, to: folder.appending("vocab.json"))
      try AtomicFile.write(Array(fault.merges.utf8).rawBytes, to: folder.appending("merges.txt"))
      let error = #expect(throws: TokenizerError.self) { try TokenizerFile.open(folder) }
      let text = error?.description ?? ""
      #expect(text.contains(fault.problem), "\(text)")
    }
  }

  /// The class of a tokenizer says how texts are cut where two plain files do not; a `tokenizer.json` that cuts them in a
  /// way of its own is not passed over.
  @Test func classesSayHowTextsAreCut() throws {
    try withFolder { folder in
      func write(_ text: String, _ name: String) throws {
        try AtomicFile.write(Array(text.utf8).rawBytes, to: folder.appending(name))
      }
      try TokenizerFile.write(try smallTokenizer(), to: folder)
      try write(#"{"<think>":341}"#, "added_tokens.json")
      let decoder = #""added_tokens_decoder":{"341":{"content":"<think>","special":false}}"#
      try write(#"{"tokenizer_class":"Qwen2Tokenizer",\#(decoder)}"#, "tokenizer_config.json")
      let read = try #require(try TokenizerFile.open(folder) as? BytePairTokenizer)
      #expect(read.splitter == .qwen2 && read.composes)
      #expect(read.specialTokens.map(\.isText) == [false, true])
      #expect(throws: TokenizerError.self) { try TokenizerFile.write(read, to: folder.appending("again")) }
      try write(#"{"tokenizer_class":"BloomTokenizer"}"#, "tokenizer_config.json")
      #expect(throws: TokenizerError.self) { try TokenizerFile.open(folder) }
      try write(#"{"tokenizer_class":"GPT2Tokenizer"}"#, "tokenizer_config.json")
      #expect(try (TokenizerFile.open(folder) as? BytePairTokenizer)?.splitter == .gpt2)
      let text = String(decoding: TokenizerJSON.text(try smallTokenizer(.smollm)), as: UTF8.self)
      try write(text.replacing("\"Digits\"", with: "\"Punctuation\""), "tokenizer.json")
      #expect(throws: TokenizerError.self) { try TokenizerFile.open(folder) }
    }
  }

  @Test(arguments: [true, false]) func aMarkBeforeEachTextMayBeAskedFor(isAsked: Bool) throws {
    try withFolder { folder in
      let (tokenizer, _) = try PeerFixtures.form(isAsked ? "smollm" : "llama3")
      let name = isAsked ? "<|end|>" : "<|begin|>"
      try TokenizerFile.write(tokenizer, to: folder.appending("tokenizer.json"))
      try AtomicFile.write(
        Array(#"{"bos_token":"\#(name)","add_bos_token":\#(isAsked)}"#.utf8).rawBytes,
        to: folder.appending("tokenizer_config.json"))
      let marks = try TokenizerFile.open(folder).marks
      #expect(marks.isPrefixed == isAsked && marks.begin == tokenizer.id(of: name))
    }
  }

  @Test func ranksMergeWhateverIsATokenTogether() throws {
    try withFolder { folder in
      let path = folder.appending("t.tiktoken")
      // a, b, c, bc, abc: no merge of a and b, yet `abc` is found through `bc`, and `aabc` through `abc`.
      let lines = ["YQ== 0", "Yg== 1", "Yw== 2", "YmM= 3", "YWJj 4"]
      try AtomicFile.write(Array(lines.joined(separator: "\n").utf8).rawBytes, to: path)
      let tokenizer = try TokenizerFile.open(path)
      #expect(try tokenizer.encode("abc aabc".replacing(" ", with: "")) == [4, 0, 4])
      #expect(throws: TokenizerError.unknownByte(UInt8(ascii: "d"), offset: 2)) { try tokenizer.encode("abd") }
    }
  }
}
