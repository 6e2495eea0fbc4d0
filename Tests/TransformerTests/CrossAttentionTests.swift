import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// Attention from target rows to padded source rows, both ways, against the plain reference in double precision.
@Suite struct CrossAttentionTests {
  static let shape = TranslatorConfiguration(
    vocabularySize: 9, context: 80, encoderLayers: 1, decoderLayers: 1, heads: 3, width: 15
  ).blockShape

  /// Rows that count, of each text.
  private func rows(_ lengths: [Int], of length: Int) -> [Int] {
    lengths.enumerated().flatMap { text, count in (0..<count).map { text * length + $0 } }
  }

  private func pick(_ x: PlainMatrix<Double>, _ rows: [Int]) -> PlainMatrix<Double> {
    PlainMatrix(rows.count, x.columns) { x[rows[$0], $1] }
  }

  /// Lengths of targets and sources; those of 70 reach into a second tile.
  @Test(arguments: InstructionSet.available, [([3, 5, 1], [4, 2, 6]), ([2, 1], [70, 3]), ([66], [2])])
  func forwardAndBackward(set: InstructionSet, lengths: ([Int], [Int])) throws {
    let (targets, sources) = lengths, width = Self.shape.width
    // One place of padding behind the longest on both sides.
    let long = (targets.max() ?? 0) + 1, wide = (sources.max() ?? 0) + 1
    var layout = ParameterLayout()
    let layer = MultiHeadAttention("a", Self.shape, mask: .full, dropoutSite: 1, in: &layout)
    var plan = MemoryPlan()
    let x = plan.take(targets.count * long, width), source = plan.take(sources.count * wide, width)
    let y = plan.take(x.rows, width), dy = plan.take(x.rows, width), dx = plan.take(x.rows, width)
    let dSource = plan.take(source.rows, width)
    let workspace = MultiHeadAttention.CrossWorkspace(
      rows: x.rows, sourceRows: source.rows, Self.shape, .training, in: &plan)
    let saved = MultiHeadAttention.CrossSaved(
      rows: x.rows, sourceRows: source.rows, Self.shape, workspace, in: &plan)
    let places = plan.takeIndices(targets.count), behind = plan.takeIndices(sources.count)
    let memory = try makeMemory(layout, plan, set: set)
    for (text, count) in targets.enumerated() { memory.setIndex(places, text, Int32(count)) }
    for (text, count) in sources.enumerated() { memory.setIndex(behind, text, Int32(count)) }
    let texts = Sequences(count: targets.count, length: long, lengths: places)
    let from = Sequences(count: sources.count, length: wide, lengths: behind)
    let counted = rows(targets, of: long), seen = rows(sources, of: wide)
    memory.write(x, numbers(x.count, 1))
    memory.write(source, numbers(source.count, 2))
    for row in counted { memory.write(dy.rows(row..<row + 1), numbers(width, 3 + row)) }

    let pass = Pass(texts, in: memory)
    let looked = MultiHeadAttention.Source(rows: source, texts: from, gradient: dSource)
    layer.forward(x, over: looked, into: y, saved, pass)
    memory.fill(dSource, 1)
    layer.backward(dy, x, over: looked, into: dx, saved, pass)

    func reference(_ parameters: PlainParameters<Double>, _ x: PlainMatrix<Double>) -> PlainMatrix<Double> {
      let source = parameters.matrix("source")
      var elements: [Double] = []
      for text in targets.indices {
        elements +=
          MultiHeadAttention.crossReference(
            x.rows(text * long..<text * long + targets[text]),
            over: source.rows(text * wide..<text * wide + sources[text]), "a", Self.shape.block, parameters
          ).elements
      }
      return PlainMatrix(counted.count, width, elements)
    }
    var parameters = PlainParameters<Double>(layout, in: memory)
    parameters.matrices["source"] = plain(source, in: memory)
    let input = plain(x, in: memory), expected = reference(parameters, input)
    #expect(distance(pick(plain(y, in: memory), counted).elements, expected.elements) < 1e-5, "forward, \(set)")
    // Differences of long sources would take their time; the attention itself is tested over tiles elsewhere.
    if wide > 10 || long > 10 { return }
    let slopes = differences(parameters, input, weight: pick(plain(dy, in: memory), counted).elements, reference)
    expectGradients(layout, in: memory, equal: slopes.parameters, "cross-attention, \(set)")
    #expect(distance(plain(dx, in: memory).elements, slopes.input) < gradientTolerance, "by the target, \(set)")
    // What was there stays; padding gets nothing.
    let found = plain(dSource, in: memory).map { $0 - 1 }
    #expect(distance(found.elements, slopes.parameters["source"] ?? []) < gradientTolerance, "by the source, \(set)")
    for row in 0..<source.rows where !seen.contains(row) { #expect(found.row(row).allSatisfy { $0 == 0 }) }
  }
}
