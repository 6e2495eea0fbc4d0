import Foundation
import MiniGPTStorage
import Testing
import MiniGPTTokenization

@Suite struct TokenizerJSONTests {
  private func reopened(_ tokenizer: any Tokenizer) throws -> any Tokenizer {
    let text = TokenizerJSON.text(tokenizer)
    let read = try TokenizerJSON.parse(text.rawBytes, source: "t.json")
    #expect(TokenizerJSON.text(read) == text)
    #expect(read.kind == tokenizer.kind)
    #expect(read.vocabularySize == tokenizer.vocabularySize)
    #expect(read.specialTokens == tokenizer.specialTokens)
    for id in 0..<Int32(tokenizer.vocabularySize) { #expect(read.bytes(of: id) == tokenizer.bytes(of: id)) }
    return read
  }

  @Test(arguments: Splitter.allCases) func bytePairsComeBack(splitter: Splitter) throws {
    let tokenizer = try smallTokenizer(splitter)
    let read = try #require(try reopened(tokenizer) as? BytePairTokenizer)
    #expect(read.merges == tokenizer.merges)
    #expect(read.splitter == splitter)
    let text = try PeerFixtures.corpus()
    #expect(try read.encode(text) == tokenizer.encode(text))
  }

  @Test func othersComeBack() throws {
    _ = try reopened(ByteTokenizer())
    _ = try reopened(try CharacterTokenizer(Array("hello, world\n".utf8)))
    _ = try reopened(try CharacterTokenizer(Array("héllo, wörld 中\u{301}\u{212B}\u{C5}".utf8)))
    var trainer = BPETrainer(vocabularySize: 300)
    trainer.layout = .translation
    _ = try reopened(try trainer.train(PeerFixtures.corpus()))
  }

  /// Read and written once more, the ids are those of tokenizers.
  @Test(arguments: ["llama3", "qwen3", "smollm"]) func todaysFormsAreRead(name: String) throws {
    let (tokenizer, expected) = try PeerFixtures.form(name)
    #expect(tokenizer.wholePieceFirst == (name == "llama3"))
    #expect(tokenizer.composes == (name == "qwen3"))
    #expect(tokenizer.splitter == ["llama3": .cl100k, "qwen3": .qwen2, "smollm": .smollm][name])
    #expect(tokenizer.marks.isPrefixed == (name == "llama3"))
    let texts = try PeerFixtures.read().hurting
    #expect(texts.count == expected.count && texts.count > 50)
    for tokenizer in [tokenizer, try reopened(tokenizer)] {
      for (text, ids) in zip(texts, expected) {
        #expect(try tokenizer.encode(text, allowSpecial: true) == ids, "\(text.debugDescription)")
      }
    }
  }

  /// Added tokens that are text are found in any text; special ones where they are allowed.
  @Test func addedTextIsFound() throws {
    let tokenizer = try PeerFixtures.form("qwen3").tokenizer
    let think = try #require(tokenizer.id(of: "<think>")), end = try #require(tokenizer.id(of: "<|end|>"))
    let ids = try tokenizer.encode("a<think>b<|end|>")
    #expect(ids.contains(think) && !ids.contains(end))
    #expect(tokenizer.tokenByteLengths[Int(think)] == 7 && tokenizer.tokenByteLengths[Int(end)] == 0)
    #expect(try tokenizer.encode("a<think>b<|end|>", allowSpecial: true).contains(end))
  }

  /// Each: what is changed in SmolLM's form, into what, and the field that the error names.
  static let stepFaults: [(old: String, new: String, field: String)] = [
    ("\"individual_digits\":true", "\"individual_digits\":false", "pre_tokenizer.pretokenizers[0].individual_digits"),
    ("\"use_regex\":true", "\"use_regex\":false", "pre_tokenizer.pretokenizers[1].use_regex"),
    ("\"type\":\"Digits\"", "\"type\":\"Punctuation\"", "pre_tokenizer.pretokenizers"),
    ("[{\"type\":\"Digits\"", "[{\"type\":\"Digits\"},{\"type\":\"Digits\"", "pre_tokenizer.pretokenizers"),
  ]

  @Test(arguments: stepFaults.indices) func otherStepsAreRefused(index: Int) throws {
    let fault = Self.stepFaults[index]
    let good = String(decoding: TokenizerJSON.text(try smallTokenizer(.smollm)), as: UTF8.self)
    let bad = good.replacingCharacters(in: try #require(good.range(of: fault.old)), with: fault.new)
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerJSON.parse(Array(bad.utf8).rawBytes, source: "t")
    }
    guard case .file("t", fault.field, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func mergesMayBePairs() throws {
    let text = String(decoding: TokenizerJSON.text(try smallTokenizer()), as: UTF8.self)
    let start = try #require(text.range(of: "\"merges\":[")).upperBound
    let list = text[start...].prefix { $0 != "]" }
    let pairs = list.split(separator: ",").map { "[" + $0.replacing(" ", with: "\",\"") + "]" }.joined(separator: ",")
    let changed = text.replacingCharacters(in: start..<list.endIndex, with: pairs)
    let read = try TokenizerJSON.parse(Array(changed.utf8).rawBytes, source: "t.json")
    #expect(TokenizerJSON.text(read) == Array(text.utf8))
  }

  /// Each: what is changed in a good file, into what, and the field that the error names.
  static let faults: [(old: String, new: String, field: String)] = [
    ("\"BPE\"", "\"Unigram\"", "model.type"),
    ("\"model\":", "\"modle\":", "model"),
    ("\"type\":\"BPE\"", "\"type\":7", "model.type"),
    ("\"normalizer\":null", "\"normalizer\":{\"type\":\"NFKC\"}", "normalizer"),
    ("\"add_prefix_space\":false", "\"add_prefix_space\":true", "pre_tokenizer.add_prefix_space"),
    ("{\"type\":\"ByteLevel\",\"add_prefix_space\":false", "{\"type\":\"Metaspace\",\"x\":1", "pre_tokenizer.type"),
    ("\"byte_fallback\":false", "\"byte_fallback\":true", "model.byte_fallback"),
    ("\"end_of_word_suffix\":null", "\"end_of_word_suffix\":\"</w>\"", "model.end_of_word_suffix"),
    ("\"vocab\":{", "\"vocab\":[{", ""),
    ("\"!\":0", "\"!\":-1", "model.vocab.`!`"),
    ("\"!\":0", "\"!\":4000000000", "model.vocab.`!`"),
    ("\"!\":0", "\"!\":0.5", "model.vocab.`!`"),
    ("\"!\":0", "\"!\":\"0\"", "model.vocab.`!`"),
    ("\"!\":0", "\"!\":1", "model.vocab"),
    ("\"!\":0", "\"中\":0", "model.vocab"),
    ("\"special\":true", "\"special\":0", "added_tokens[0].special"),
    ("\"id\":340", "\"id\":339", "model.vocab"),
    ("\"merges\":[\"", "\"merges\":[\"x", "model.merges[0]"),
    ("\"merges\":[", "\"merges\":[7,", "model.merges[0]"),
    ("\"merges\":[", "\"merges\":[\"a  b\",", "model.merges[0]"),
    ("\"merges\":[", "\"merges\":[[\"a\"],", "model.merges[0]"),
    ("\"merges\":[", "\"merges\":[\"a z\",", "model.merges[0]"),
    ("\"merges\":[", "\"merges\":null,\"m\":[", "model.merges"),
    ("\"ignore_merges\":false", "\"ignore_merges\":0", "model.ignore_merges"),
  ]

  @Test(arguments: faults.indices) func faultsAreNamed(index: Int) throws {
    let fault = Self.faults[index]
    let good = String(decoding: TokenizerJSON.text(try smallTokenizer()), as: UTF8.self)
    let place = try #require(good.range(of: fault.old))
    let bad = good.replacingCharacters(in: place, with: fault.new)
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerJSON.parse(Array(bad.utf8).rawBytes, source: "dir/t.json")
    }
    guard case .file("dir/t.json", let field, let problem) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(field == fault.field, "\(problem)")
    #expect(!problem.contains("\n"))
  }

  @Test func everyTruncationIsAnError() throws {
    let good = TokenizerJSON.text(try smallTokenizer())
    for count in stride(from: 0, to: good.count, by: 97) {
      #expect(throws: TokenizerError.self) { try TokenizerJSON.parse(Array(good[..<count]).rawBytes, source: "t") }
    }
  }

  @Test func flippedBytesNeverTrap() throws {
    let good = TokenizerJSON.text(try smallTokenizer())
    var chance = SmallRandom(77)
    for _ in 0..<1500 {
      var bad = good
      bad[Int.random(in: 0..<bad.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
      _ = try? TokenizerJSON.parse(bad.rawBytes, source: "t")
    }
  }
}
