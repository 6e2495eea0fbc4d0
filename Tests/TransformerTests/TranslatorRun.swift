import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// A translator with memory of its own, driven as a trainer drives it: batches of any lengths, logits in slices.
struct TranslatorRun {
  let model: EncoderDecoder
  let activations: EncoderDecoder.Activations
  let memory: Memory
  let source: PaddedPlaces
  let target: PaddedPlaces
  let targets: IndexSlot

  /// Weights away from every trivial value, but zeros for `<pad>`.
  init(
    _ configuration: TranslatorConfiguration, pairs: Int = 4, rows: Int = 60, threads: Int = 2,
    set: InstructionSet = .best, trains: Bool = true, recomputes: Bool = false, logitRows: Int = 7
  ) throws {
    try configuration.validate()
    model = EncoderDecoder(configuration)
    activations = EncoderDecoder.Activations(
      configuration, sourceRows: rows, targetRows: rows, trains: trains, recomputes: recomputes,
      logitRows: logitRows)
    source = PaddedPlaces(texts: pairs, rows: rows)
    target = PaddedPlaces(texts: pairs, rows: rows, from: source.end)
    targets = IndexSlot(offset: target.end, count: rows)
    memory = try makeMemory(
      model.layout, activations: activations.count, indices: targets.offset + targets.count, scratch: model.scratch,
      threads: threads, set: set)
    let table = model.sourceEmbedding.table
    memory.fill(table.rows(table.rows - 1..<table.rows), 0)
    model.prepare(activations, in: memory)
  }

  /// A batch in its places, with as much padding as asked for.
  func batch(_ pairs: [(source: [Int32], target: [Int32])], padding: Int = 0) -> (source: PaddedIDs, target: PaddedIDs)
  {
    let sources = write(pairs.map(\.source), source, padding)
    let inputs = write(pairs.map { [model.configuration.padding] + $0.target.dropLast() }, target, padding)
    for (b, pair) in pairs.enumerated() {
      for t in 0..<inputs.length {
        memory.setIndex(targets, b * inputs.length + t, t < pair.target.count ? pair.target[t] : -1)
      }
    }
    return (sources, inputs)
  }

  private func write(_ texts: [[Int32]], _ places: PaddedPlaces, _ padding: Int) -> PaddedIDs {
    let batch = places.batch(texts.count, length: (texts.map(\.count).max() ?? 0) + padding)
    for (b, text) in texts.enumerated() {
      memory.setIndex(batch.lengths, b, Int32(text.count))
      for t in 0..<batch.length {
        // Any id may stand behind the end.
        memory.setIndex(batch.ids, b * batch.length + t, t < text.count ? text[t] : Int32(t % 3))
      }
    }
    return batch
  }

  /// The encoder's output and the hidden rows of each pair, without padding.
  func rows(
    _ pairs: [(source: [Int32], target: [Int32])], padding: Int = 0, _ context: DropoutContext? = nil
  ) -> [(source: [Float], hidden: [Float])] {
    let batch = batch(pairs, padding: padding)
    model.forward(batch.source, batch.target, activations, context, in: memory)
    return pairs.enumerated().map { index, pair in
      let source = activations.source.rows(index * batch.source.length..<(index + 1) * batch.source.length)
      let hidden = activations.hidden.rows(index * batch.target.length..<(index + 1) * batch.target.length)
      return (
        memory.read(source.rows(0..<pair.source.count)), memory.read(hidden.rows(0..<pair.target.count))
      )
    }
  }

  /// Logits of hidden rows, a few at a time.
  func logits(_ hidden: [Float]) -> [Float] {
    let width = model.configuration.width, rows = hidden.count / width
    memory.write(activations.hidden.rows(0..<rows), hidden)
    return (0..<rows).flatMap { row in
      let logits = activations.logits.rows(0..<1)
      model.outputProjection.forward(activations.hidden.rows(row..<row + 1), into: logits, in: memory)
      return memory.read(logits)
    }
  }

  /// The mean loss of the targets, and all gradients.
  func lossAndGradients(
    _ pairs: [(source: [Int32], target: [Int32])], padding: Int = 0, smoothing: Float = 0,
    _ context: DropoutContext? = nil
  ) -> Double {
    let batch = batch(pairs, padding: padding), count = pairs.reduce(0) { $0 + $1.target.count }
    memory.clearGradients()
    step(batch.source, batch.target, scale: 1 / Float(count), smoothing: smoothing, context)
    let losses = memory.read(activations.losses.rows(0..<batch.target.ids.count))
    return losses.map(Double.init).reduce(0, +) / Double(count)
  }

  /// Forward and backward, without an array.
  func step(
    _ source: PaddedIDs, _ target: PaddedIDs, scale: Float, smoothing: Float = 0, _ context: DropoutContext?
  ) {
    model.forward(source, target, activations, context, in: memory)
    let all = target.ids.count, most = activations.logits.rows
    var first = 0
    while first < all {
      let rows = first..<min(first + most, all), logits = activations.logits.rows(0..<rows.count)
      model.outputProjection.forward(activations.hidden.rows(rows), into: logits, in: memory)
      memory.crossEntropy(
        logits, targets: targets.range(rows), losses: activations.losses.rows(rows), gradientScale: scale,
        smoothing: smoothing)
      model.outputProjection.backward(
        logits, activations.hidden.rows(rows), into: activations.gradient.rows(rows), in: memory)
      first += most
    }
    model.backward(source, target, activations, context, in: memory)
  }

  func gradient(_ parameter: Parameter) -> [Float] { memory.read(parameter.slot.at(.gradients)) }

  /// The mean loss of pairs in double precision, without padding: Σ over targets of -log softmax, `<pad>` left out.
  func referenceLoss(
    _ pairs: [(source: [Int32], target: [Int32])], _ parameters: PlainParameters<Double>
  ) -> PlainMatrix<Double> {
    var total = 0.0, count = 0
    for pair in pairs {
      let input = [model.configuration.padding] + pair.target.dropLast()
      let hidden = EncoderDecoder.reference(
        source: pair.source.map(Int.init), target: input.map(Int.init), model.configuration, parameters
      ).hidden
      let table = parameters.matrix("tokenEmbedding").rows(0..<model.configuration.outputSize)
      let logits = hidden * table.transposed
      for (t, target) in pair.target.enumerated() {
        let row = logits.row(t), most = row.max() ?? 0
        total += most + Double.log(row.map { Double.exp($0 - most) }.reduce(0, +)) - row[Int(target)]
      }
      count += pair.target.count
    }
    return PlainMatrix(1, 1, [total / Double(count)])
  }
}

/// Pairs of sentences that look random, of these lengths, each ending with `</s>`.
func somePairs(
  _ lengths: [(Int, Int)], _ configuration: TranslatorConfiguration, _ seed: Int = 1
) -> [(source: [Int32], target: [Int32])] {
  func text(_ length: Int, _ seed: Int) -> [Int32] {
    someIds(length - 1, configuration.vocabularySize - 3, seed).map { $0 + 2 } + [TranslatorConfiguration.endOfSentence]
  }
  return lengths.enumerated().map { (text($1.0, seed + 10 * $0), text($1.1, seed + 10 * $0 + 5)) }
}
