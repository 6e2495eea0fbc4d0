import MiniGPTTensors
import Testing
import MiniGPTTransformer

/// Items 95 to 106: translation, and what is left without positions. `Docs/Lecture.md` has the list.
@Suite struct Lecture5Tests {
  /// 100: MultiHead(Q, K, V) = Concat(head₁ … head_h) W^O with d_k = d_v = d / h: 512 / 8 = 64 in the paper.
  @Test func multiHeadIsTheFormula() {
    let x = numbers(4, 8, 1), width = 8, heads = 2
    let layer = PlainParameters<Double>([
      "a.queryKeyValue.weight": numbers(8, 24, 2), "a.queryKeyValue.bias": PlainMatrix(1, 24),
      "a.output.weight": numbers(8, 8, 3), "a.output.bias": PlainMatrix(1, 8),
    ])
    let w = layer.matrix("a.queryKeyValue.weight")
    var concatenated = PlainMatrix<Double>(4, 8)
    for head in 0..<heads {
      let d = width / heads, channels = head * d..<(head + 1) * d
      func project(_ part: Int) -> PlainMatrix<Double> {
        x * w.columns(part * width + channels.lowerBound..<part * width + channels.upperBound)
      }
      let z = attend(project(0), project(1), project(2)).output
      for t in 0..<4 { for c in 0..<d { concatenated[t, channels.lowerBound + c] = z[t, c] } }
    }
    let expected = concatenated * layer.matrix("a.output.weight")
    let found = MultiHeadAttention.reference(
      x, "a", length: 4, BlockConfiguration(heads: heads, width: width), mask: .full, layer)
    #expect(difference(found, expected) < 1e-13)
  }

  /// 101: without positions an encoder is an advanced bag of words: words in another order give the same rows in that
  /// order, and nothing else changes.
  @Test(arguments: NormPlacement.allCases) func bagOfWords(norm: NormPlacement) {
    let order = [2, 4, 0, 1, 3], ids = [7, 1, 9, 3, 5]
    let bag = SmallTranslator(positions: .none, norm: norm)
    let plain = bag.encode(ids), shuffled = bag.encode(order.map { ids[$0] })
    for (place, from) in order.enumerated() {
      #expect(difference(shuffled.row(place), plain.row(from)) < 1e-12)
    }
    let knowing = SmallTranslator(positions: .sinusoidal, norm: norm)
    let first = knowing.encode(ids), second = knowing.encode(order.map { ids[$0] })
    #expect(order.enumerated().contains { difference(second.row($0), first.row($1)) > 1e-2 })
  }
}
