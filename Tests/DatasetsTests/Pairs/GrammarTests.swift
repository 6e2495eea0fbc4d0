import MiniGPTDatasets
import Foundation
import MiniGPTStorage
import Testing

/// The committed pairs of `Scripts/make_grammar.py`.
@Suite struct GrammarTests {
  private func pairs(_ name: String) throws -> SentencePairs {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { folder.deleteLastPathComponent() }
    return try SentencePairs([MiniGPTStorage.Path(folder.appendingPathComponent("corpora/" + name).path)])
  }

  private func table(_ pairs: SentencePairs) -> [String: String] {
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    return Dictionary(
      (0..<pairs.count).map { (text(pairs.bytes($0).source), text(pairs.bytes($0).target)) },
      uniquingKeysWith: { a, _ in a })
  }

  @Test func heldOutPairsAreNeverTrained() throws {
    let training = try pairs("grammar.tsv"), heldOut = try pairs("grammar.valid.tsv")
    #expect(training.skipped.count == 0 && heldOut.skipped.count == 0)
    let known = table(training), asked = table(heldOut)
    // Every source stands once, and on one side only.
    #expect(known.count == training.count && asked.count == heldOut.count)
    #expect(training.count > 5000 && heldOut.count > 1000)
    #expect(asked.keys.allSatisfy { known[$0] == nil })
    #expect(asked["this cat is very large"] == "este gato es muy grande")
    #expect(!known.keys.contains { $0.contains("cat ") && $0.contains("large") })
  }

  @Test func theNotesSentencesAreThere() throws {
    let asked = try table(pairs("grammar.valid.tsv")), known = try table(pairs("grammar.tsv"))
    let start = "the animal didn't cross the street because it was too "
    #expect(asked[start + "tired"] == "el animal no cruzó la calle porque él estaba demasiado cansado")
    #expect(asked[start + "wide"] == "el animal no cruzó la calle porque ella era demasiado ancha")
    #expect(
      asked["even though she did not win the award, she was satisfied"]
        == "aunque ella no ganó el premio, estaba satisfecha")
    #expect(
      asked["even though she did win the award, she was not satisfied"]
        == "aunque ella ganó el premio, no estaba satisfecha")
    // The two nouns of a held-out sentence with *it* stand together in no training sentence with *it*.
    func nouns(_ sentence: String) -> [Substring] {
      let words = sentence.split(separator: " ")
      return words.firstIndex(of: "because").map { [words[1], words[$0 - 1]] } ?? []
    }
    func its(_ table: [String: String]) -> [String] {
      table.keys.filter { $0.contains(" because it was ") }
    }
    let seen = Set(its(known).map(nouns))
    #expect(its(asked).count > 250 && its(known).count > 1000)
    #expect(its(asked).allSatisfy { !seen.contains(nouns($0)) })
  }
}
