internal import MiniGPT
internal import MiniGPTPlatform

/// What is said while a model learns.
struct TrainingReport {
  private let console: Console
  private let tokensPerStep: Int
  private let firstStep: Int
  private let start = MonotonicTime.now
  private var lastShown = 0.0
  private var lastStepTime: Double
  /// Seconds that evaluations and saves took since the last step, to be left out of the speed.
  private var secondsPerStep = 0.0

  /// Tokens a second, smoothed over the last steps.
  var speed: Double { secondsPerStep > 0 ? Double(tokensPerStep) / secondsPerStep : 0 }

  init(_ console: Console, firstStep: Int, tokensPerStep: Int) {
    self.console = console
    self.firstStep = firstStep
    self.tokensPerStep = tokensPerStep
    lastStepTime = start
  }

  mutating func stepped(_ step: TrainingStep, of steps: Int) {
    let now = MonotonicTime.now
    let took = max(1e-9, now - lastStepTime)
    secondsPerStep = secondsPerStep == 0 ? took : 0.9 * secondsPerStep + 0.1 * took
    lastStepTime = now
    // The eye sees no more than ten lines a second.
    if now - lastShown < 0.1 && step.step < steps { return }
    lastShown = now
    let left = Double(steps - step.step) * (now - start) / Double(max(1, step.step - firstStep))
    console.progress([
      "step \(grouped(step.step))/\(grouped(steps))", percent(step.step, steps), "loss \(fixed(step.loss, 3))",
      "\(duration(left)) left", "\(grouped(Int(min(speed, 1e15)))) tokens/s",
    ])
  }

  mutating func evaluated(
    _ step: TrainingStep, _ result: EvaluationResult, isBest: Bool, ladder: CountingLadder? = nil
  ) {
    let rung = ladder.map { " (best n-gram \(fixed($0.best.bitsPerByte, 4)))" } ?? ""
    console.note(
      "step \(grouped(step.step)): validation loss \(fixed(result.loss, 4)), perplexity"
        + " \(fixed(result.perplexity, 2)), bits per byte \(fixed(result.bitsPerByte, 4))\(rung)"
        + (result.bleu.map { ", BLEU \(fixed($0, 2))" } ?? "") + (isBest ? ", the best" : ""))
    lastStepTime = MonotonicTime.now
  }

  /// What took time since the last step is no part of the speed.
  mutating func restart() { lastStepTime = MonotonicTime.now }

  /// The mean of the last weights.
  func averaged(_ steps: [Int], _ path: Path, _ result: EvaluationResult?, isBest: Bool) {
    console.note(
      "average of steps \(steps.map { grouped($0) }.joined(separator: " ")) in \(path)"
        + (result.map { ": validation loss \(fixed($0.loss, 4))" } ?? "") + (isBest ? ", the best" : ""))
  }
}

/// Where a model of such a shape opens, once it is exported.
func opensIn(_ shape: some ModelConfiguration) -> (name: String, value: String) {
  let (names, lack) = ForeignFormats.readers(of: shape)
  return ("opens in", (["minigpt"] + names).joined(separator: ", ") + (names.isEmpty ? " alone: \(lack ?? "")" : ""))
}

extension GPTConfiguration {
  /// Parameters that products read: a table that only looks up is none.
  var multipliedParameters: Int { parameterCount - (isTied ? 0 : vocabularySize * block.width) }

  /// Forward and backward take 6 operations a parameter and token (Kaplan et al. 2020, arXiv:2001.08361, §2.1), and
  /// attention 12 a layer, width and place in the context.
  var operationsPerToken: Double {
    6 * Double(multipliedParameters) + 12 * Double(layers) * Double(block.width * context)
  }
}

/// How long a training takes, before anything was measured: arithmetic over what such processors usually do.
enum TrainingEstimate {
  static func seconds(
    _ shape: GPTConfiguration, tokens: Int, _ kernels: Kernels, _ precision: Precision, threads: Int
  ) -> Double {
    seconds(operations: shape.operationsPerToken * Double(tokens), kernels, precision, threads: threads)
  }

  /// The same for pairs: a source passes the encoder, a target the decoder, of which a third works on the source, and the
  /// output projection.
  static func seconds(
    _ shape: TranslatorConfiguration, pairs: EncodedPairs, updates: Int, targetsEach: Int,
    _ kernels: Kernels, _ precision: Precision, threads: Int
  ) -> Double {
    let c = shape.width, attention = shape.attention, feedForward = shape.feedForwardWidth
    let ofQueries = 2 * c * attention.queryWidth, ofKeys = 2 * c * attention.keyWidth
    let block = Double(ofQueries + ofKeys + c * feedForward * (shape.isGated ? 3 : 2))
    let perSource = block * Double(shape.encoderLayers) + Double(ofKeys * shape.decoderLayers)
    let perTarget = (block + Double(ofQueries)) * Double(shape.decoderLayers) + Double(c * shape.vocabularySize)
    let sources = Double(pairs.sourceTokens) / Double(max(1, pairs.targetTokens))
    return seconds(
      operations: 6 * (perSource * sources + perTarget) * Double(updates) * Double(targetsEach), kernels, precision,
      threads: threads)
  }

  private static func seconds(operations: Double, _ kernels: Kernels, _ precision: Precision, threads: Int) -> Double {
    // Operations a second of a thread: wider tiles stand for more instructions at once.
    let speed: Double =
      switch kernels.tileColumns {
      case 32: precision == .bf16 && kernels.multipliesBFloat16 ? 130e9 : 75e9
      case 16: 65e9
      default: 10e9
      }
    return operations / (speed * Double(threads))
  }
}
