import MiniGPTTensors
import Testing
import MiniGPTTransformer

/// Items 84 to 94: why attention, positions, residuals and norms once more. `Docs/Lecture.md` has the list.
@Suite struct Lecture4Tests {
  private func words(_ sentence: String) -> [String] { sentence.split(separator: " ").map(String.init) }

  /// 89: "did not win … satisfied" and "did win … not satisfied": the same words. Without positions the two have the
  /// same rows in another order; positions tell them apart.
  @Test func sameWordsInAnotherOrder() {
    let one = words("even though she did not win the award she was satisfied")
    let two = words("even though she did win the award she was not satisfied")
    #expect(one != two && one.sorted() == two.sorted())
    let vocabulary = Array(Set(one)).sorted()
    func ids(_ sentence: [String]) -> [Int] { sentence.map { vocabulary.firstIndex(of: $0) ?? 0 } }
    for positions in [Positions.none, .sinusoidal] {
      let translator = SmallTranslator(positions: positions)
      let first = translator.encode(ids(one)), second = translator.encode(ids(two))
      // "not" is word 4 of the first and word 9 of the second.
      let apart = difference(first.row(4), second.row(9))
      let pooled = (0..<8).map { c in
        (first.columns(c..<c + 1).elements.reduce(0, +), second.columns(c..<c + 1).elements.reduce(0, +))
      }
      let sums = difference(pooled.map(\.0), pooled.map(\.1))
      if positions == .none {
        #expect(apart < 1e-12 && sums < 1e-12)
      } else {
        #expect(apart > 1e-2 && sums > 1e-2)
      }
    }
  }

  /// 91: the slide's misprint: with cos(pos / 10000) for every channel all cosines would be the same wave.
  @Test func everyPairHasItsOwnWave() {
    let table: PlainMatrix<Double> = PositionalEncoding.table(rows: 2, width: 8)
    let cosines = stride(from: 1, to: 8, by: 2).map { table[1, $0] }
    #expect(Set(cosines).count == 4)
    // sin and cos of a pair are of one angle: their squares sum to 1.
    for pair in 0..<4 {
      let (s, c) = (table[1, 2 * pair], table[1, 2 * pair + 1])
      #expect(abs(s * s + c * c - 1) < 1e-14)
    }
  }

  /// 92: residuals carry the raw embedding past the layers: with silent layers it arrives as it was.
  @Test func residualsPassTheEmbedding() {
    let configuration = GPTConfiguration(vocabularySize: 5, context: 8, layers: 3, heads: 2, width: 6)
    var silent = parameters(GPT(configuration).layout)
    for parameter in GPT(configuration).layout.parameters where parameter.name.hasPrefix("blocks.") {
      if parameter.start != .ones {
        silent.matrices[parameter.name] = PlainMatrix(parameter.slot.rows, parameter.slot.columns)
      }
    }
    let embedded = Embedding.reference([1, 4, 2], length: 3, silent)
    let hidden = GPT.reference([1, 4, 2], length: 3, configuration, silent)
    #expect(difference(hidden, LayerNorm.reference(embedded, "finalNorm", epsilon: 1e-5, silent)) < 1e-14)
  }
}
