internal import MiniGPT
internal import MiniGPTPlatform

/// Times generation in each type of weights, one text and eight at once, beside how fast memory is read in the same
/// minute: each weight is read once a token, which is the limit.
struct GenerationTiming {
  let machine: Machine
  let console: Console
  let weights: [NumberFormat]
  let steps: Int
  let json: Bool

  /// Tokens of a turn, where nobody says how many.
  static let usualSteps = 128
  private static let several = 8
  /// As many turns as take some seconds: the quickest one counts.
  private static let seconds = 1.0, mostTurns = 20

  func run(_ shape: BenchShape) throws {
    guard let configuration = shape.languageModel else { return }
    try run(shape.name) { type in
      GenerationBenchmark(configuration, weights: type, on: machine.processor)
    }
  }

  func run(_ choice: ModelChoice) throws {
    try run("\(choice.path)") { type in
      let checkpoint = try choice.open()
      return GenerationBenchmark(
        GPT(checkpoint.configuration), try checkpoint.parameters(), weights: type, on: machine.processor)
    }
  }

  private func run(_ name: String, _ benchmark: (NumberFormat) throws -> GenerationBenchmark) throws {
    for type in weights {
      console.progress(["generation", name, type.rawValue])
      let before = bandwidth(), benchmark = try benchmark(type)
      let one = try time(benchmark, 1), eight = try time(benchmark, Self.several)
      let memory = max(before, bandwidth())
      console.endProgress()
      if json {
        try answer(name, type, 1, one, memory)
        try answer(name, type, Self.several, eight, memory)
        continue
      }
      let speed = one.bytesPerStep / one.secondsPerStep
      try console.answer(
        line: "\(printable(name)) \(type.rawValue): \(grouped(Int(one.tokensPerSecond))) tokens/s; "
          + "\(Self.several) texts at once \(grouped(Int(eight.tokensPerSecond))), "
          + "\(fixed(eight.tokensPerSecond / one.tokensPerSecond, 1)) times as many")
      try console.answer(
        line: "  a token reads \(size(Int(one.bytesPerStep))) at \(fixed(speed / 1e9, 1)) GB/s, "
          + "\(fixed(100 * speed / memory, 0)) % of the \(fixed(memory / 1e9, 1)) GB/s of memory beyond the caches")
    }
  }

  private func bandwidth() -> Double { MemoryBandwidth.measure(on: machine.processor) }

  private func time(_ benchmark: GenerationBenchmark, _ sequences: Int) throws -> GenerationBenchmark.Result {
    func run(_ turns: Int) throws -> GenerationBenchmark.Result {
      guard
        let result = benchmark.run(
          sequences: sequences, steps: steps, turns: turns, shouldStop: { Interruption.isRequested })
      else { throw Interrupted() }
      return result
    }
    // The first turn tells how many there is time for.
    let first = try run(1)
    let turns = Int(Self.seconds / max(1e-6, first.secondsPerStep * Double(steps)))
    let second = try run(max(1, min(Self.mostTurns, turns)))
    return second.tokensPerSecond > first.tokensPerSecond ? second : first
  }

  private func answer(
    _ name: String, _ type: NumberFormat, _ texts: Int, _ result: GenerationBenchmark.Result, _ memory: Double
  ) throws {
    let speed = result.bytesPerStep / result.secondsPerStep
    try console.answer(json: [
      "measurement": "generation", "model": JSON(name), "weights": JSON(type.rawValue), "texts": JSON(texts),
      "instruction_set": JSON(machine.instructionSet.rawValue), "threads": JSON(machine.pool.threads),
      "tokens_per_s": JSON(result.tokensPerSecond), "ms_per_step": JSON(1e3 * result.secondsPerStep),
      "bytes_per_step": JSON(result.bytesPerStep), "gb_per_s": JSON(speed / 1e9), "memory_gb_per_s": JSON(memory / 1e9),
      "share_of_memory": JSON(speed / memory),
    ])
  }
}
