import MiniGPTTensors
import MiniGPTTransformer

/// A matrix of numbers as they stand on a slide.
func matrix(_ rows: [[Double]]) -> PlainMatrix<Double> {
  PlainMatrix(rows.count, rows.first?.count ?? 0, rows.flatMap { $0 })
}

/// Numbers that look random and repeat from run to run.
func numbers(_ count: Int, _ seed: Int, scale: Double = 1) -> [Double] {
  let stream = RandomStream(seed: UInt64(seed), .dropout, place: 21)
  return (0..<count).map { (stream.uniform($0) * 2 - 1) * scale }
}

func numbers(_ rows: Int, _ columns: Int, _ seed: Int) -> PlainMatrix<Double> {
  PlainMatrix(rows, columns, numbers(rows * columns, seed))
}

/// Parameters that are nowhere trivial.
func parameters(_ layout: ParameterLayout, scale: Double = 0.5) -> PlainParameters<Double> {
  var matrices: [String: PlainMatrix<Double>] = [:]
  for (index, parameter) in layout.parameters.enumerated() {
    let slot = parameter.slot, start = parameter.start == .ones ? 1.0 : 0
    matrices[parameter.name] = numbers(slot.rows, slot.columns, 100 + index).map { start + scale * $0 }
  }
  return PlainParameters(matrices)
}

func softmax(_ x: [Double]) -> [Double] {
  let most = x.max() ?? 0, exponentials = x.map { Double.exp($0 - most) }, sum = exponentials.reduce(0, +)
  return exponentials.map { $0 / sum }
}

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map { $0 * $1 }.reduce(0, +) }

/// The largest difference of any two elements.
func difference(_ a: [Double], _ b: [Double]) -> Double {
  precondition(a.count == b.count)
  return zip(a, b).map { abs($0 - $1) }.max() ?? 0
}

func difference(_ a: PlainMatrix<Double>, _ b: PlainMatrix<Double>) -> Double { difference(a.elements, b.elements) }

/// Attention of one text with one head, all seeing all unless a mask says otherwise.
func attend(
  _ query: PlainMatrix<Double>, _ key: PlainMatrix<Double>, _ value: PlainMatrix<Double>, heads: Int = 1,
  mask: AttentionMask = .full
) -> (output: PlainMatrix<Double>, weights: [PlainMatrix<Double>]) {
  ScaledDotProductAttention.reference(
    query: query, key: key, value: value,
    AttentionShape(heads: heads, headWidth: query.columns / heads), mask: mask)
}

/// A GPT's logits `[T, V]` for a text.
func logits(_ ids: [Int], _ configuration: GPTConfiguration, _ parameters: PlainParameters<Double>) -> PlainMatrix<
  Double
> {
  let hidden = GPT.reference(ids, length: ids.count, configuration, parameters)
  return OutputProjection.reference(hidden, parameters)
}

/// A small translator, and its parameters.
struct SmallTranslator {
  let configuration: TranslatorConfiguration
  let parameters: PlainParameters<Double>

  init(positions: Positions = .sinusoidal, norm: NormPlacement = .post) {
    configuration = TranslatorConfiguration(
      vocabularySize: 13, context: 16, encoderLayers: 2, decoderLayers: 2, heads: 2, width: 8, feedForwardWidth: 12,
      positions: positions, norm: norm)
    parameters = LectureTests.parameters(EncoderDecoder(configuration).layout)
  }

  func encode(_ source: [Int]) -> PlainMatrix<Double> {
    EncoderDecoder.reference(source: source, target: [12], configuration, parameters).source
  }

  /// Hidden rows of the decoder for its inputs, the first of which is `<pad>`.
  func decode(_ source: [Int], _ inputs: [Int]) -> PlainMatrix<Double> {
    EncoderDecoder.reference(source: source, target: inputs, configuration, parameters).hidden
  }
}
