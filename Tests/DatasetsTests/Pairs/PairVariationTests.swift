import MiniGPTDatasets
import MiniGPTParallel
import MiniGPTTensors
import MiniGPTTestSupport
import MiniGPTTokenization
import MiniGPTTransformer
import Testing

@Suite struct PairVariationTests {
  private struct Material {
    let pairs: SentencePairs
    let encoded: EncodedPairs
    let tokenizer: BytePairTokenizer
    let folder: Folder
  }

  private func material() throws -> Material {
    let folder = try Folder(), words = ["wander", "water", "winter", "wonder", "waiter"]
    let lines = (0..<80).map { line in
      let source = (0...line % 7).map { words[(line + $0) % 5] }.joined(separator: " ")
      return source + "\t" + (0...line % 5).map { words[(line + 2 * $0) % 5] }.joined(separator: " ")
    }
    let text = lines.joined(separator: "\n")
    var trainer = BPETrainer(vocabularySize: 300)
    trainer.layout = .translation
    let tokenizer = try trainer.train(Array(text.utf8)), pairs = try SentencePairs([folder.write("p.tsv", text)])
    let encoded = try EncodedPairs.encode(
      pairs, (0..<80).map { Int32($0) }, tokenizer, places: 60, pool: WorkerPool(threads: 1))
    return Material(pairs: pairs, encoded: encoded, tokenizer: tokenizer, folder: folder)
  }

  private func source(_ material: Material, seed: UInt64, copies: Int = 1) -> PairSource {
    PairSource(
      PairBatches(material.encoded, tokens: 40, copies: copies, seed: seed), heldOut: nil, turns: 1, padding: 299,
      updatesBothWays: 20,
      variation: PairVariation(
        material.pairs, material.encoded, material.tokenizer, probability: 0.3, places: 60, seed: seed))
  }

  /// The sentences of an update as ids: sources and targets without their ends.
  private func update(
    _ index: Int, _ source: inout PairSource, copies: Int = 1
  ) -> (source: [[Int32]], target: [[Int32]], predictions: Int) {
    var plan = MemoryPlan()
    let places = SentenceBatch.plan(source.capacity, in: &plan)
    let memory = Memory(plan, ParameterStorage(count: 0), on: .plain())
    let sampled = source.fill(UpdatePlace(update: index, turn: 0, chunk: 0), into: places, in: memory)
    let batch = sampled.batch
    func rows(_ slot: IndexSlot, _ texts: Sequences) -> [[Int32]] {
      (0..<texts.count).map { row in
        (0..<texts.length).map { memory.index(slot, row * texts.length + $0) }.filter { $0 > 0 && $0 != 299 }
      }
    }
    return (
      rows(batch.source.ids, batch.source.texts), rows(batch.targets, batch.input.texts), sampled.predictions
    )
  }

  /// Whatever the cuts, the words are those of the pairs, in the first updates every second one backwards; an epoch has
  /// other cuts than the one before, and the same update always the same ones.
  @Test(arguments: [1, 2]) func wordsAreCutAnew(copies: Int) throws {
    let material = try material(), tokenizer = material.tokenizer
    let sides = (0..<80).map { number in
      let (source, target) = material.pairs.bytes(number)
      return [source, target]
    }
    var source = source(material, seed: 4, copies: copies), cuts: Set<[Int32]> = []
    for index in 0..<60 {
      let (sources, targets, predictions) = update(index, &source, copies: copies)
      #expect(sources.count % copies == 0 && sources.count == targets.count)
      #expect(predictions == targets.reduce(0) { $0 + $1.count + 1 })
      let isBackwards = index < 20 && index % 2 == 1
      for (row, ids) in sources.enumerated() {
        let texts = [try tokenizer.decode(ids), try tokenizer.decode(targets[row])]
        #expect(sides.contains(isBackwards ? texts.reversed() : texts), "\(index)")
        if row % copies == 1 { #expect(ids == sources[row - 1] && targets[row] == targets[row - 1]) }
        cuts.insert(ids)
      }
    }
    let usual = Set(try sides.flatMap { try $0.map { try tokenizer.encode($0) } })
    #expect(3 * cuts.subtracting(usual).count > cuts.count)
    var again = self.source(material, seed: 4, copies: copies), other = self.source(material, seed: 5, copies: copies)
    #expect(update(33, &again, copies: copies) == update(33, &source, copies: copies))
    #expect(update(33, &other, copies: copies) != update(33, &source, copies: copies))
  }

  /// Where cut words would have no place, the pair stays as it is.
  @Test func whatHasNoPlaceStaysWhole() throws {
    let material = try material()
    let longest = Int(max(material.encoded.sourceCounts.max() ?? 0, material.encoded.targetCounts.max() ?? 0)) + 1
    var batches = PairBatches(material.encoded, tokens: 40, seed: 1)
    var variation = PairVariation(
      material.pairs, material.encoded, material.tokenizer, probability: 0.9, places: longest, seed: 1)
    for _ in 0..<batches.batches.count {
      let batch = batches.take()
      variation.cut(batch, batches, within: batches.capacity.larger)
      var plan = MemoryPlan()
      let places = SentenceBatch.plan(batches.capacity.larger, in: &plan)
      let memory = Memory(plan, ParameterStorage(count: 0), on: .plain())
      let filled = PairRows(batch, batches, variation: variation).fill(places, padding: 299, in: memory)
      #expect(max(filled.source.texts.length, filled.input.texts.length) <= longest)
      #expect(filled.source.texts.count * filled.source.texts.length <= batches.capacity.larger.sourceRows)
    }
  }
}
