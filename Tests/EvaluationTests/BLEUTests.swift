import Foundation
import MiniGPTEvaluation
import MiniGPTTestSupport
import Testing

/// Against sacreBLEU: `Scripts/make_bleu_fixtures.py`.
@Suite struct BLEUTests {
  private struct Fixture: Decodable {
    let corpora: [Corpus]
    let words: [Words]
  }

  private struct Corpus: Decodable {
    let name: String
    let translations, references: [String]
    let scores: [Score]
  }

  private struct Score: Decodable {
    let tokenize: String
    let lowercase: Bool
    let score, penalty: Double
    let precisions: [Double]
    let counts, totals: [Int]
    let length, reference: Int
    let signature: String
  }

  private struct Words: Decodable {
    let text: String
    let words: [String]
  }

  private func fixture() throws -> Fixture {
    try JSONDecoder().decode(Fixture.self, from: Fixtures.data("bleu.json"))
  }

  @Test func scoresAreThoseOfSacreBLEU() throws {
    let corpora = try fixture().corpora
    #expect(corpora.count == 20)
    for corpus in corpora {
      for expected in corpus.scores {
        let tokenization = try #require(BLEUTokenization(rawValue: expected.tokenize))
        var bleu = BLEU(tokenization, lowercases: expected.lowercase)
        for (translation, reference) in zip(corpus.translations, corpus.references) {
          bleu.add(Array(translation.utf8), reference: Array(reference.utf8))
        }
        let what = Comment(rawValue: "\(corpus.name), \(expected.tokenize), lowercase \(expected.lowercase)")
        #expect(bleu.matches == expected.counts, what)
        #expect(bleu.totals == expected.totals, what)
        #expect(bleu.length == expected.length && bleu.referenceLength == expected.reference, what)
        #expect(abs(bleu.score - expected.score) < 1e-9, what)
        #expect(abs(bleu.brevityPenalty - expected.penalty) < 1e-12, what)
        #expect(zip(bleu.precisions, expected.precisions).allSatisfy { abs($0 - $1) < 1e-10 }, what)
        #expect(bleu.signature == expected.signature)
        #expect(bleu.sentences == corpus.translations.count)
      }
    }
  }

  @Test func wordsAreThoseOfMteval13a() throws {
    let words = try fixture().words
    #expect(words.count > 100)
    for expected in words {
      let found = BLEUTokenization.mteval13a.words(of: Array(expected.text.utf8), lowercased: false)
      #expect(
        found.map { word in word.map(\.value) } == expected.words.map { $0.unicodeScalars.map(\.value) },
        "\(expected.text.debugDescription)")
    }
  }

  @Test func partsAddUpToTheWhole() {
    let sentences = ["the cat sat on the mat", "a dog runs", "it is raining cats and dogs today"]
    var whole = BLEU(.none), sum = BLEU(.none)
    for (index, sentence) in sentences.enumerated() {
      let reference = Array(sentences[index].replacing("the", with: "a").utf8)
      whole.add(Array(sentence.utf8), reference: reference)
      var part = BLEU(.none)
      part.add(Array(sentence.utf8), reference: reference)
      sum.add(part)
    }
    #expect(sum == whole)
    #expect(whole.score > 20 && whole.score < 90)
  }

  @Test func brokenUTF8IsAReplacementCharacter() {
    var bleu = BLEU(.none)
    bleu.add([0x61, 0x20, 0xFF, 0x20, 0x62, 0x20, 0x63], reference: Array("a \u{FFFD} b c".utf8))
    #expect(bleu.score > 99.999_999 && bleu.score < 100.000_001)
  }

  @Test func lengthsOfSourcesMakeTheBuckets() {
    var bleu = BLEUByLength(.none)
    let reference = Array("one two three four five".utf8)
    bleu.add(reference, reference: reference, source: Array("a b".utf8))
    bleu.add(reference, reference: reference, source: Array("a b c d e".utf8))
    bleu.add(Array("one two three".utf8), reference: reference, source: Array("a b c d e  f ".utf8))
    bleu.add(reference, reference: reference, source: Array(String(repeating: "a ", count: 70).utf8))
    #expect(bleu.filled.map(\.words.lowerBound) == [0, 6, 61])
    #expect(bleu.filled.map(\.bleu.sentences) == [2, 1, 1])
    #expect(bleu.all.sentences == 4)
    #expect(bleu.filled[0].bleu.score > 99.9 && bleu.filled[1].bleu.score < 99)
    #expect(bleu.all.score < bleu.filled[0].bleu.score)
  }
}
