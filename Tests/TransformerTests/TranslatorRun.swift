import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// A translator with memory of its own, driven as a trainer drives it: batches of any lengths, logits in slices.
struct TranslatorRun {
  let model: EncoderDecoder
  let activations: EncoderDecoder.Activations
  let memory: Memory
  /// Floats of activations that were planned.
  let floats: Int
  let source: TokenIDs.Places
  let target: TokenIDs.Places
  let targets: IndexSlot

  /// Weights away from every trivial value, but zeros for `<pad>`.
  init(
    _ configuration: TranslatorConfiguration, pairs: Int = 4, rows: Int = 60, threads: Int = 2,
    set: InstructionSet = .best, _ purpose: Purpose = .training, logitRows: Int = 7
  ) throws {
    try configuration.validate()
    model = EncoderDecoder(configuration)
    var plan = MemoryPlan()
    activations = model.plan(
      SentenceBatch.Capacity(pairs: pairs, sourceRows: rows, targetRows: rows), purpose, logitRows: logitRows, in: &plan
    )
    source = TokenIDs.Places(texts: pairs, rows: rows, in: &plan)
    target = TokenIDs.Places(texts: pairs, rows: rows, in: &plan)
    targets = plan.takeIndices(rows)
    floats = plan.activations
    memory = try makeMemory(model.layout, plan, threads: threads, set: set)
    let table = model.encoder.embedding.table
    memory.fill(table.rows(table.rows - 1..<table.rows), 0)
    model.prepare(activations, in: memory)
  }

  /// A batch in its places, with as much padding as asked for.
  func batch(_ pairs: [(source: [Int32], target: [Int32])], padding: Int = 0) -> (source: TokenIDs, target: TokenIDs) {
    let sources = write(pairs.map(\.source), source, padding)
    let inputs = write(pairs.map { [model.configuration.padding] + $0.target.dropLast() }, target, padding)
    for (b, pair) in pairs.enumerated() {
      for t in 0..<inputs.texts.length {
        memory.setIndex(targets, b * inputs.texts.length + t, t < pair.target.count ? pair.target[t] : -1)
      }
    }
    return (sources, inputs)
  }

  private func write(_ texts: [[Int32]], _ places: TokenIDs.Places, _ padding: Int) -> TokenIDs {
    let batch = places.batch(texts.count, length: (texts.map(\.count).max() ?? 0) + padding)
    for (b, text) in texts.enumerated() {
      batch.setLength(b, text.count, in: memory)
      for t in 0..<batch.texts.length {
        // Any id may stand after the end.
        memory.setIndex(batch.ids, b * batch.texts.length + t, t < text.count ? text[t] : Int32(t % 3))
      }
    }
    return batch
  }

  /// The encoder's output and the hidden rows of each pair, without padding.
  func rows(
    _ pairs: [(source: [Int32], target: [Int32])], padding: Int = 0, _ dropout: DropoutStep? = nil
  ) -> [(source: [Float], hidden: [Float])] {
    let batch = batch(pairs, padding: padding)
    model.forward(
      SentenceBatch(source: batch.source, input: batch.target, targets: targets.range(0..<batch.target.ids.count)),
      activations, dropout: dropout, in: memory)
    return pairs.enumerated().map { index, pair in
      let source = activations.encoder.output.rows(
        index * batch.source.texts.length..<(index + 1) * batch.source.texts.length)
      let hidden = activations.hidden.rows(
        index * batch.target.texts.length..<(index + 1) * batch.target.texts.length)
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
      let logits = activations.loss.logits.first(1)
      model.outputProjection.forward(activations.hidden.rows(row..<row + 1), into: logits, in: memory)
      return memory.read(logits)
    }
  }

  /// The mean loss of the targets, and all gradients.
  func lossAndGradients(
    _ pairs: [(source: [Int32], target: [Int32])], padding: Int = 0, smoothing: Float = 0,
    _ dropout: DropoutStep? = nil
  ) -> Double {
    let batch = batch(pairs, padding: padding), count = pairs.reduce(0) { $0 + $1.target.count }
    memory.clearGradients()
    return step(batch.source, batch.target, Objective(scale: 1 / Float(count), smoothing: smoothing), dropout)
      / Double(count)
  }

  /// Forward and backward, without an array; returns the sum of the losses.
  @discardableResult
  func step(_ source: TokenIDs, _ target: TokenIDs, _ objective: Objective, _ dropout: DropoutStep?) -> Double {
    model.addGradient(
      of: SentenceBatch(source: source, input: target, targets: targets.range(0..<target.ids.count)), activations,
      objective, dropout: dropout, in: memory)
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
