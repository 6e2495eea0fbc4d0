internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt bench`: how fast this machine multiplies, trains and generates.
struct BenchCommand: Command {
  var presets: [String] = []
  var precision = BenchPrecision.both
  var steps: Int?
  var only: BenchPart?
  var model: [UInt8]?
  var weights: [String] = []
  var threads: Int?
  var quiet = false
  var json = false

  /// Which precisions are timed.
  enum BenchPrecision: String, CaseIterable, Sendable {
    case fp32, bf16, both

    var all: [Precision] {
      switch self {
      case .fp32: [.fp32]
      case .bf16: [.bf16]
      case .both: [.fp32, .bf16]
      }
    }
  }

  /// What is timed.
  enum BenchPart: String, CaseIterable, Sendable { case products, training, generation }

  static let names = ["bench"]
  static let summary = "time this machine: products, training steps, generation"
  static let discussion = """
    Times matrix products with every instruction set that the processor has, beside the limit that a single tile \
    reaches in the same moment; training steps of well-known shapes: where their time goes, and the memory they take; \
    and generation, one text and eight at once, beside how fast memory is read. Nothing else should run meanwhile.
    """
  static let words = Words("", 0...0, "", completion: .nothing)

  static let sections: [Section<Self>] = [
    Section(
      "What is timed",
      [
        .optional("only", in: \.only, .choice, else: "all", "a part of it"),
        .list(
          "preset", in: \.presets, .oneOf(BenchShape.all.map(\.name)),
          else: "tiny and bpe for steps, char and gpt2-1k for generation",
          "a shape; may repeat"),
        .optional(
          "model", in: \.model, .file("MODEL"), else: "the presets", "the checkpoint whose generation is timed"),
        .list(
          "weights", in: \.weights, .oneOf(NumberFormat.allCases.map(\.rawValue)), else: "fp32, bf16 and int8",
          "in which numbers generation reads them; may repeat"),
        .value("precision", in: \.precision, .choice, "of the products"),
        .optional(
          "steps", in: \.steps, .integer(1...100_000), else: "some seconds' worth",
          "steps of each shape; of generation, tokens of a turn"),
      ]),
    Section(
      "Running",
      [
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "that work"),
        .toggle("json", in: \.json, "one JSON object a measurement"),
        .toggle("quiet", in: \.quiet, "no progress"),
      ]),
  ]

  mutating func validate() throws {
    if model != nil && only != .generation {
      throw UsageError.contradiction("--model is for generation: give --only generation too")
    }
    let translators = BenchShape.all.filter { $0.languageModel == nil }.map(\.name)
    if only == .generation, let name = presets.first(where: { translators.contains($0) }) {
      throw UsageError.contradiction("--only generation times language models, and the preset \(name) is a translator")
    }
  }

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    let machine = try Machine(threads: threads, console)
    if (only ?? .products) == .products { try products(machine, console) }
    if (only ?? .training) == .training {
      let names = presets.isEmpty ? ["tiny", "bpe"] : presets
      for name in names {
        for shape in BenchShape.all where shape.name == name {
          for precision in precision.all { try training(shape, precision, machine, console) }
        }
      }
    }
    if (only ?? .generation) == .generation { try generation(machine, console) }
  }

  private func generation(_ machine: Machine, _ console: Console) throws {
    let types = weights.isEmpty ? [.fp32, .bf16, .int8] : weights.compactMap { NumberFormat(rawValue: $0) }
    let timing = GenerationTiming(
      machine: machine, console: console, weights: types, steps: steps ?? GenerationTiming.usualSteps, json: json)
    if let model { return try timing.run(ModelChoice(model)) }
    let names = presets.isEmpty ? ["char", "gpt2-1k"] : presets
    for name in names {
      for shape in BenchShape.all where shape.name == name { try timing.run(shape) }
    }
  }

  // MARK: - Products

  /// M, K, N, and whether the left and the right factor are transposed: forward, and back by the input and the weight.
  private static let products: [(name: String, m: Int, k: Int, n: Int, left: Bool, right: Bool)] = [
    ("x W", 1536, 384, 1536, false, false), ("dy Wᵀ", 1536, 1536, 384, false, true),
    ("xᵀ dy", 384, 1536, 1536, true, false), ("x W, narrow", 768, 128, 512, false, false),
    ("x W, wide", 256, 768, 3072, false, false),
  ]

  private func products(_ machine: Machine, _ console: Console) throws {
    for set in InstructionSet.available {
      guard let kernels = set.kernels else { continue }
      let benchmark = ProductBenchmark(kernels: kernels, pool: machine.pool)
      for precision in precision.all {
        for product in Self.products {
          if Interruption.isRequested { throw Interrupted() }
          console.progress(["\(set) \(precision)", product.name])
          guard let limit = benchmark.limit(precision) else { continue }
          let speed = benchmark.product(
            product.m, product.k, product.n, transposed: (product.left, product.right), precision: precision)
          console.endProgress()
          if json {
            try console.answer(json: [
              "measurement": "product", "instruction_set": JSON(set.rawValue), "precision": JSON(precision.rawValue),
              "product": JSON(product.name), "m": JSON(product.m), "k": JSON(product.k), "n": JSON(product.n),
              "threads": JSON(machine.pool.threads), "gflops": JSON(speed / 1e9), "limit_gflops": JSON(limit / 1e9),
            ])
          } else {
            try console.answer(
              line: padded("\(set) \(precision)", 15) + padded(product.name, 13)
                + padded("\(product.m) × \(product.k) × \(product.n)", 18) + leading(fixed(speed / 1e9, 1), 8)
                + " GFLOP/s" + leading(percent(Int(speed / 1e6), Int(limit / 1e6)), 6) + " of \(fixed(limit / 1e9, 1))")
          }
        }
      }
    }
  }

  // MARK: - Training

  private func training(_ shape: BenchShape, _ precision: Precision, _ machine: Machine, _ console: Console) throws {
    console.progress(["\(shape.name) \(precision)"])
    let limit =
      ProductBenchmark(kernels: machine.kernels, pool: machine.pool).limit(precision)
      ?? ProductBenchmark(kernels: machine.kernels, pool: machine.pool).limit(.fp32) ?? 0
    let benchmark = shape.benchmark(precision, on: machine.processor)
    // One step tells how many are some seconds' worth.
    guard let first = try benchmark.run(warmUp: 1, steps: 1, shouldStop: { Interruption.isRequested }) else {
      throw Interrupted()
    }
    let count = steps ?? max(3, min(200, Int(4 / max(first.median, 1e-6))))
    guard let result = try benchmark.run(warmUp: 1, steps: count, shouldStop: { Interruption.isRequested }) else {
      throw Interrupted()
    }
    console.endProgress()
    let total = result.seconds.reduce(0, +), tokens = benchmark.tokens
    let operations = result.split.productOperations / Double(count)
    var parts: [(name: String, share: Double)] = WorkKind.allCases.map { ("\($0)", result.split[$0] / total) }
    parts.append(("unaccounted", 1 - parts.reduce(0) { $0 + $1.share }))
    if json {
      return try console.answer(json: [
        "measurement": "training", "preset": JSON(shape.name), "precision": JSON(precision.rawValue),
        "instruction_set": JSON(machine.instructionSet.rawValue), "threads": JSON(machine.pool.threads),
        "steps": JSON(count), "ms_per_step": JSON(1e3 * result.median),
        "ms_minimum": JSON(1e3 * (result.seconds.min() ?? 0)), "tokens_per_s": JSON(Double(tokens) / result.median),
        "product_gflop": JSON(operations / 1e9), "limit_gflops": JSON(limit / 1e9),
        "planned_bytes": JSON(result.memory), "peak_bytes": ProcessMemory.peak.map { JSON($0) } ?? nil,
        "parts": .object(JSONObject(parts.map { JSONObject.Member(JSON.Key($0.name), JSON($0.share)) })),
      ])
    }
    try console.answer(
      line: "\(shape.name) \(precision): a step takes \(fixed(1e3 * result.median, 1)) ms, at least "
        + "\(fixed(1e3 * (result.seconds.min() ?? 0), 1)); \(grouped(Int(Double(tokens) / result.median))) tokens/s")
    try console.answer(
      line: "  its products are \(fixed(operations / 1e9, 1)) GFLOP, "
        + "\(percent(Int(operations / result.median / 1e6), Int(limit / 1e6))) of the limit of "
        + "\(fixed(limit / 1e9, 1)) GFLOP/s over the whole step; memory \(size(result.memory))")
    try console.answer(
      line: "  "
        + parts.filter { $0.share >= 0.0005 }.sorted { $0.share > $1.share }.map {
          "\($0.name) \(fixed(100 * $0.share, 1)) %"
        }.joined(separator: ", "))
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
