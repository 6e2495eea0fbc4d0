import Foundation
import Testing

/// `minigpt tokenizer train|encode|decode|show`.
@Suite struct TokenizerCommandTests {
  private static let verse = "To be, or not to be: that is the question.\n"

  @Test func whatIsEncodedIsDecodedByteForByte() throws {
    let scratch = try Scratch()
    try scratch.write("text.txt", String(repeating: Self.verse, count: 40))
    for name in ["t.json", "t.tiktoken", "folder"] {
      let train = try Run(
        ["tokenizer", "train", "text.txt", "--vocab-size", "280", "--out", name], folder: scratch.folder)
      #expect(train.status == 0 && train.outputText == "" && train.errorText.hasSuffix("wrote \(name)\n"))
      let bytes = Array("To be\u{0} \u{1F600}\r\n".utf8) + [0xFF, 0x80]
      let ids = try Run(["tokenizer", "encode", "--tokenizer", name], input: bytes, folder: scratch.folder)
      #expect(ids.status == 0 && ids.outputText.hasSuffix("\n"))
      let text = try Run(["tokenizer", "decode", "--tokenizer", name], input: ids.output, folder: scratch.folder)
      #expect(text.output == bytes && text.errorText == "" && text.status == 0)
    }
    try Run(
      ["tokenizer", "train", "text.txt", "--vocab-size", "280", "--out", "t.json"], folder: scratch.folder
    ).expectRefusal(1, "t.json: is there already; --overwrite replaces it, another --out leaves it alone")
  }

  @Test func aLongTextIsEncodedAsAWhole() throws {
    let scratch = try Scratch()
    let text = Array(String(repeating: Self.verse, count: 8000).utf8)
    let ids = try Run(["tokenizer", "encode", "--tokenizer", "byte"], input: text)
    #expect(ids.outputText.split(separator: " ").count == text.count)
    let back = try Run(["tokenizer", "decode", "--tokenizer", "byte"], input: ids.output, folder: scratch.folder)
    #expect(back.output == text)
  }

  @Test func piecesAndRecordsAreLines() throws {
    let pieces = try Run(["tokenizer", "encode", "--tokenizer", "byte", "--pieces"], input: Array("a\n".utf8))
    #expect(pieces.outputText == "64\ta\n198\t\\n\n")
    let records = try Run(["tokenizer", "encode", "--tokenizer", "byte", "--json"], input: [0x61, 0xFF])
    #expect(
      records.outputText == #"{"id":64,"text":"a"}"# + "\n" + #"{"id":187,"text":"\#u{FFFD}","bytes":[255]}"# + "\n")
    let special = Array("<|endoftext|>".utf8)
    #expect(
      try Run(["tokenizer", "encode", "--tokenizer", "byte", "--allow-special"], input: special).outputText == "256\n")
    #expect(
      try Run(["tokenizer", "encode", "--tokenizer", "byte"], input: special).outputText.split(separator: " ").count
        == 13)
    #expect(try Run(["tokenizer", "encode", "--tokenizer", "byte"]).outputText == "")
  }

  @Test func showListsTheVocabulary() throws {
    let run = try Run(["tokenizer", "show", "--tokenizer", "byte"])
    let lines = run.outputText.split(separator: "\n")
    #expect(lines.count == 257 && lines[0] == "0\t!" && lines[256] == "256\t<|endoftext|>")
  }

  @Test func refusesWhatAreNoIds() throws {
    let arguments = ["tokenizer", "decode", "--tokenizer", "byte"]
    try Run(arguments, input: Array("x 1".utf8)).expectRefusal(
      1, "standard input: expected ids separated by white space, found 'x'")
    try Run(arguments, input: Array("257".utf8)).expectRefusal(
      1, "id 257 is not in the vocabulary, which has ids 0 to 256")
    try Run(arguments, input: Array("-1".utf8)).expectRefusal(
      1, "id -1 is not in the vocabulary, which has ids 0 to 256")
    let none = try Run(["tokenizer", "show", "--tokenizer", "none.json"])
    none.expectRefusal(1, "none.json: cannot be opened: No such file or directory")
  }
}
