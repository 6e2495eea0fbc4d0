import MiniGPTCheckpoints
import MiniGPTDatasets
import MiniGPTEvaluation
import MiniGPTGeneration
import MiniGPTParallel
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization
import MiniGPTTraining
import MiniGPTTransformer

/// Items 57 to 83: from one-hot words and Markov chains to the Transformer. `Docs/Lecture.md` has the list.
@Suite struct Lecture3Tests {
  // MARK: - Words as vectors

  private let words = ["directories", "files", "me", "my", "photos", "please", "show"]

  private func oneHot(_ word: String) -> [Double] { words.map { $0 == word ? 1 : 0 } }

  /// 59: the dot product of one-hot words says whether they are the same; one-hot times a table pulls out a row.
  @Test func oneHotPullsARow() {
    #expect(dot(oneHot("files"), oneHot("files")) == 1 && dot(oneHot("files"), oneHot("my")) == 0)
    let table = numbers(7, 5, 1), sentence = matrix(["show", "me", "my", "files"].map(oneHot))
    let embedded = Embedding.reference(
      [6, 2, 3, 1], length: 4, PlainParameters<Double>(["tokenEmbedding": table]))
    #expect(embedded == sentence * table)
    #expect(embedded.row(3) == table.row(1))
  }

  /// 60: the first-order table as a matrix: one-hot("my") times it is its row .2 .3 .5.
  @Test func firstOrderAsAMatrix() {
    var table = MarkovTable(order: 1)
    for (last, times) in [("directories", 2), ("files", 3), ("photos", 5)] {
      table.count(["show", "me", "my", last, "please"], times: times)
    }
    let transitions = matrix(words.map { word in words.map { table.distribution(after: [word])[$0] ?? 0 } })
    #expect((matrix([oneHot("my")]) * transitions).elements == [0.2, 0.3, 0, 0, 0.5, 0, 0])
    #expect((matrix([oneHot("show")]) * transitions).elements == oneHot("me"))
    for word in words where word != "please" {
      #expect(abs((matrix([oneHot(word)]) * transitions).elements.reduce(0, +) - 1) < 1e-15)
    }
  }

  /// 61: second order: 40 to 60 becomes certain once one knows who ran.
  @Test func secondOrder() {
    var table = MarkovTable(order: 2)
    table.count(["check", "whether", "the", "battery", "ran", "down", "please"], times: 4)
    table.count(["check", "whether", "the", "program", "ran", "please"], times: 6)
    #expect(table.distribution(after: ["whether", "the"]) == ["battery": 0.4, "program": 0.6])
    #expect(table.distribution(after: ["battery", "ran"]) == ["down": 1])
    #expect(table.distribution(after: ["program", "ran"]) == ["please": 1])
  }

  private static let sentences = ["program", "battery"].map { word in
    ["check", "the", word, "log", "and", "find", "out", "whether", "it", "ran"]
  }

  private func skips() -> SkipTable {
    var table = SkipTable()
    table.count(Self.sentences[0] + ["please"])
    table.count(Self.sentences[1] + ["down", "please"])
    return table
  }

  /// 62: second order with skips: every pair votes half and half, but for those that know.
  @Test func secondOrderWithSkips() {
    let table = skips()
    for word in Self.sentences[0] where word != "program" && word != "ran" {
      #expect(table.votes(of: word, with: "ran") == ["down": 0.5, "please": 0.5])
    }
    #expect(table.votes(of: "battery", with: "ran") == ["down": 1])
    #expect(table.votes(of: "program", with: "ran") == ["please": 1])
  }

  /// 63: the mask keeps (battery, ran) and (program, ran): a vote of 4 : 5 becomes a certainty.
  @Test func masking() {
    let table = skips()
    let blurred = table.prediction(after: Self.sentences[0])
    #expect(abs((blurred["down"] ?? 0) - 4.0 / 9) < 1e-15 && abs((blurred["please"] ?? 0) - 5.0 / 9) < 1e-15)
    let clear = table.prediction(after: Self.sentences[0]) { $0 == "battery" || $0 == "program" }
    #expect(clear == ["please": 1])
  }

  /// 63 again: a tiny GPT learns that mask by itself. Each word is a letter: c t p|b l a f o w i r, then s, or d s.
  @Test func attentionLearnsTheMask() throws {
    let folder = try Folder(), draw = RandomStream(seed: 3, .dropout, place: 1)
    let lines = (0..<1_500).map { draw.integer(below: 2, $0) == 0 ? "ctplafowirs\n" : "ctblafowirds\n" }
    let corpus = try folder.write("corpus", lines.joined())
    var configuration = TrainingConfiguration()
    configuration.steps = 300
    configuration.batchSize = 16
    configuration.learningRate = 5e-3
    configuration.minimumLearningRate = 5e-4
    configuration.warmup = 10
    configuration.evaluateEvery = 300
    configuration.saveEvery = 300
    let shape = GPTConfiguration(vocabularySize: 0, context: 24, layers: 1, heads: 2, width: 32)
    let prepared = try TrainingSetup(
      try TextCorpus([corpus]), tokenizer: .characters, shape: shape, configuration: configuration
    ).prepare()
    let trainer = prepared.trainer
    _ = try trainer.run(
      saveTo: folder.path("m.safetensors"), bestPath: folder.path("b.safetensors"), shouldStop: { false }
    ) { _ in }
    for (text, next) in [("\nctplafowir", "s"), ("\nctblafowir", "d")] {
      let ids = try trainer.tokenizer.encode(text), kernels = try #require(InstructionSet.best.kernels)
      let generator = TextGenerator(
        trainer.model, parameters: trainer.memory.parameters, on: Processor(WorkerPool(threads: 1), kernels))
      generator.start(ids)
      let chances = softmax(generator.nextLogits().map(Double.init))
      #expect(chances[Int(try trainer.tokenizer.encode(next)[0])] > 0.9, "\(text)")
      let maps = AttentionMaps(
        trainer.model, parameters: trainer.memory.parameters, ids: ids, on: Processor(WorkerPool(threads: 1), kernels))
      // "ran" looks at the program or the battery, the fourth letter, more than at any other word.
      let rows = maps.weights[0].map { $0.row(ids.count - 1) }
      #expect(rows.contains { row in row.indices.max { row[$0] < row[$1] } == 3 }, "\(rows)")
    }
  }

  /// 64: attention as a product of matrices: the keys are the masks, the one-hot query picks one.
  @Test func maskAsAMatrixProduct() {
    let masks = numbers(7, 7, 1).map { $0 > 0 ? 1.0 : 0 }
    for (place, word) in words.enumerated() {
      #expect((matrix([oneHot(word)]) * masks).elements == masks.row(place))
    }
  }

  // MARK: - The Transformer

  /// 66: a word in two contexts: the same embedding, two representations.
  @Test func contextMakesTheDifference() {
    let configuration = GPTConfiguration(
      vocabularySize: 9, context: 8, layers: 2, heads: 2, width: 8, positions: .none)
    let parameters = parameters(GPT(configuration).layout)
    func last(_ ids: [Int]) -> [Double] { GPT.reference(ids, length: ids.count, configuration, parameters).row(2) }
    func cosine(_ a: [Double], _ b: [Double]) -> Double { dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot() }
    #expect(abs(cosine(last([1, 2, 5]), last([1, 2, 5])) - 1) < 1e-12)
    #expect(cosine(last([1, 2, 5]), last([7, 8, 5])) < 0.99)
  }

  /// 67: trained with all targets at once, asked for one token at a time: the same logits.
  @Test func teacherForcingIsStepByStep() {
    let translator = SmallTranslator(), source = [3, 1, 4, 0], target = [12, 5, 2, 7, 7, 1]
    let all = translator.decode(source, target)
    for length in 1...target.count {
      let step = translator.decode(source, Array(target[..<length]))
      #expect(difference(step.row(length - 1), all.row(length - 1)) < 1e-12)
    }
  }

  /// 70: the same word in two places: the wiggle of its position makes two vectors of it.
  @Test func placesMakeTwoVectors() {
    let table = numbers(3, 6, 1), parameters = PlainParameters<Double>(["tokenEmbedding": table])
    let without = Embedding.reference([1, 2, 1], length: 3, parameters)
    #expect(without.row(0) == without.row(2))
    let positions: PlainMatrix<Double> = PositionalEncoding.table(rows: 3, width: 6)
    let with = Embedding.reference([1, 2, 1], length: 3, fixed: positions, parameters)
    #expect(difference(with.row(0), with.row(2)) > 0.1)
    #expect(difference(with, without + positions) == 0)
  }

  /// 73: heads are independent: without its rows of W^O a head's term is gone, and nothing else.
  @Test func headsAreIndependent() {
    let q = numbers(4, 6, 1), k = numbers(4, 6, 2), v = numbers(4, 6, 3), wO = numbers(6, 6, 4)
    let heads = attend(q, k, v, heads: 3).output
    var silenced = wO
    for row in 2..<4 { for column in 0..<6 { silenced[row, column] = 0 } }
    let term = heads.columns(2..<4) * wO.rows(2..<4)
    #expect(difference(heads * silenced + term, heads * wO) < 1e-14)
    #expect(difference(heads * silenced, heads * wO) > 0.01)
  }

  /// 75: the encoder's summary is the list of a block's parameters; the paper's base model has 63.1 million at
  /// V = 37,000.
  @Test func encoderSummary() {
    let paper = TranslatorConfiguration(
      vocabularySize: 37_000, context: 512, encoderLayers: 6, decoderLayers: 6, heads: 8, width: 512)
    #expect(abs(Double(paper.parameterCount) / 1e6 - 63.1) < 0.05)
    var one = paper
    (one.encoderLayers, one.vocabularySize) = (1, 16)
    let names = EncoderDecoder(one).layout.parameters.map(\.name).filter { $0.hasPrefix("encoder.") }
    let block = [
      "attentionNorm.gain", "attentionNorm.bias", "attention.queryKeyValue.weight", "attention.queryKeyValue.bias",
      "attention.output.weight", "attention.output.bias", "feedForwardNorm.gain", "feedForwardNorm.bias",
      "feedForward.up.weight", "feedForward.up.bias", "feedForward.down.weight", "feedForward.down.bias",
    ]
    #expect(Set(names) == Set(block.map { "encoder.blocks.0." + $0 }))
    #expect(paper.activation == .relu && paper.norm == .post && paper.feedForwardWidth == 2048)
  }

  /// 77: outputs shifted right: the decoder's input begins with `<pad>` and lacks the last word.
  @Test func outputsShiftedRight() {
    let translator = SmallTranslator(), target = [5, 2, 7, 0]
    let inputs = [12] + target.dropLast()
    // The row that predicts word t has seen the words before t only.
    let before = translator.decode([3, 1, 0], inputs)
    for t in 1..<4 {
      var changed = inputs
      for later in t..<4 { changed[later] = 1 }
      #expect(translator.decode([3, 1, 0], changed).rows(0..<t) == before.rows(0..<t))
    }
  }

  /// 78: cross-attention: keys and values from the encoder, one for each word of the source; queries from the decoder.
  @Test func crossAttention() {
    let translator = SmallTranslator(positions: .none)
    let plain = translator.decode([3, 1, 4, 0], [12, 5, 2])
    // Without positions the order of the source's words cannot matter; which words there are does.
    #expect(difference(translator.decode([4, 0, 3, 1], [12, 5, 2]), plain) < 1e-12)
    #expect(difference(translator.decode([4, 0, 3, 2], [12, 5, 2]), plain) > 1e-3)
    let names = EncoderDecoder(translator.configuration).layout.parameters.map(\.name)
    #expect(names.contains("decoder.blocks.0.crossAttention.queryKeyValue.weight"))
    #expect(!names.contains { $0.hasPrefix("encoder.") && $0.contains("crossAttention") })
  }

  /// 80: cross-entropy compares two distributions: label smoothing is the one between a softened target and softmax.
  @Test(arguments: InstructionSet.available) func crossEntropyOfTwoDistributions(set: InstructionSet) throws {
    let scores = numbers(7, 5, scale: 2), smoothing = 0.1
    let memory = Memory(
      MemoryPlan(activations: 64, indices: 2), ParameterStorage(count: 0),
      on: Processor(WorkerPool(threads: 1), try #require(set.kernels)))
    var plan = MemoryPlan()
    let row = plan.take(1, 7), loss = plan.take(1, 1)
    let chances = softmax(scores)
    for (epsilon, target) in [(0.0, 3), (smoothing, 3)] {
      let wanted = (0..<7).map { epsilon / 7 + ($0 == target ? 1 - epsilon : 0) }
      #expect(abs(wanted.reduce(0, +) - 1) < 1e-14)
      let expected = -dot(wanted, chances.map { Double.log($0) })
      memory.write(row, scores.map(Float.init))
      memory.setIndex(IndexSlot(offset: 0, count: 1), 0, Int32(target))
      memory.crossEntropy(
        row, targets: IndexSlot(offset: 0, count: 1), losses: loss, gradientScale: 1, smoothing: Float(epsilon))
      #expect(abs(Double(memory.value(loss, 0, 0)) - expected) < 1e-5)
      // Its slope is what is said less what was wanted.
      let slope = zip(chances, wanted).map { $0 - $1 }
      #expect(difference(memory.read(row).map(Double.init), slope) < 1e-6)
    }
  }

  /// 82: the decoder's summary: three sub-layers, three norms, N = 6.
  @Test func decoderSummary() {
    let paper = TranslatorConfiguration(
      vocabularySize: 16, context: 32, encoderLayers: 6, decoderLayers: 6, heads: 8, width: 16)
    let names = EncoderDecoder(paper).layout.parameters.map(\.name)
    for block in 0..<6 {
      let gains = names.filter { $0.hasPrefix("decoder.blocks.\(block).") && $0.hasSuffix(".gain") }
      #expect(gains.count == 3)
      #expect(gains.contains("decoder.blocks.\(block).crossAttentionNorm.gain"))
    }
    #expect(!names.contains { $0.hasPrefix("decoder.blocks.6.") })
  }

  /// 83: blocks keep the shape, so that any number can be stacked.
  @Test func blocksKeepTheShape() {
    for layers in [1, 3] {
      let configuration = GPTConfiguration(vocabularySize: 5, context: 8, layers: layers, heads: 2, width: 6)
      let parameters = parameters(GPT(configuration).layout)
      var x = numbers(4, 6, 1)
      for index in 0..<layers {
        x = Block.reference(x, .decoderAlone, length: 4, configuration.blockShape, parameters.part("blocks.\(index)"))
        #expect(x.rows == 4 && x.columns == 6)
      }
    }
  }
}
