internal import MiniGPT

/// What the log of a run says of its loss.
struct TrainingCurve {
  struct Point: Equatable {
    let step: Int
    let value: Double
  }

  /// The log's name without its endings.
  let name: String
  /// The unit of all values: bits a byte where the run was evaluated, else nats a token.
  let isBits: Bool
  let training: [Point]
  let validation: [Point]
  /// Bits a byte of n-grams of order 1, 2, ….
  let rungs: [Double]

  /// Reads a log, one JSON object a line. A half-written last line is passed over, as a killed run leaves one.
  init(_ path: Path) throws {
    let bytes = try FileReader.bytes(of: path)
    if let first = bytes.first(where: { $0 > 0x20 }), first != UInt8(ascii: "{") { throw NotALog(path: path) }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
    let isWhole = bytes.last == UInt8(ascii: "\n")
    var training: [Point] = [], validation: [Point] = [], rungs: [Double] = [], scale: Double?
    for (index, line) in lines.enumerated() {
      let field: JSONField
      do { field = try JSONField(parsing: Array(line).rawBytes, source: "\(path): line \(index + 1)") } catch {
        if index == lines.count - 1 && !isWhole { break }
        throw error
      }
      let step = try field.field("step").integer(in: 0...1_000_000_000_000)
      if let loss = try field.optionalField("loss")?.double() { training.append(Point(step: step, value: loss)) }
      guard let loss = try field.optionalField("val_loss")?.double() else { continue }
      let bits = try field.optionalField("val_bits_per_byte")?.double()
      if let bits, loss > 0 { scale = bits / loss }
      validation.append(Point(step: step, value: bits ?? loss))
      if let list = try field.optionalField("ngram_bits_per_byte") { rungs = try list.array().map { try $0.double() } }
    }
    if training.isEmpty && validation.isEmpty { throw NoCurve(path: path) }
    let factor = scale ?? 1
    self.training = training.map { Point(step: $0.step, value: $0.value * factor) }.filter { $0.value.isFinite }
    self.validation = validation.filter { $0.value.isFinite }
    self.rungs = rungs
    isBits = scale != nil
    var stem = path.stem
    if stem.suffix(4).elementsEqual(".log".utf8) { stem.removeLast(4) }
    name = printable(stem)
  }

  var best: Point? { validation.min { $0.value < $1.value } }
  var lastStep: Int { max(training.last?.step ?? 0, validation.last?.step ?? 0) }

  /// The training loss as a mean over a window of a fiftieth of the run, since single batches jump.
  var smoothed: [Point] {
    let half = max(0, training.count / 100)
    return training.indices.map { i in
      let window = training[max(0, i - half)...min(training.count - 1, i + half)]
      return Point(step: training[i].step, value: window.reduce(0) { $0 + $1.value } / Double(window.count))
    }
  }

  /// The rungs that are better than all lower ones.
  var ascent: [(order: Int, value: Double)] {
    var best = Double.infinity, result: [(order: Int, value: Double)] = []
    for (index, value) in rungs.enumerated() where value < best {
      best = value
      result.append((index + 1, value))
    }
    return result
  }
}

/// A file of another kind.
struct NotALog: Error, CustomStringConvertible {
  let path: Path

  var description: String {
    "\(path): no log of a training: NAME.log.jsonl is one, which minigpt train leaves beside its checkpoint"
  }
}

/// A log without a loss.
struct NoCurve: Error, CustomStringConvertible {
  let path: Path

  var description: String { "\(path): no line with a loss: a log of minigpt train was expected" }
}

/// The part of the plane that a chart shows.
struct ChartRange {
  let steps: Int
  let low: Double
  let high: Double

  /// All of validation; of training what lies behind its first tenth, so that the fall from chance leaves room.
  init(_ curves: [TrainingCurve]) {
    steps = max(1, curves.map(\.lastStep).max() ?? 1)
    var values = curves.flatMap { curve in
      curve.validation.map(\.value) + curve.smoothed.dropFirst(curve.training.count / 10).map(\.value)
    }
    if values.isEmpty { values = [0, 1] }
    let least = values.min() ?? 0, most = values.max() ?? 1, room = max(0.02, (most - least) * 0.06)
    low = max(0, least - room)
    high = most + room
  }

  /// Round numbers between low and high, some five of them.
  var ticks: [Double] {
    var unit = 1e-6
    let wanted = (high - low) / 5
    while unit * 10 <= wanted { unit *= 10 }
    let step = [1, 2, 5, 10].map { $0 * unit }.first { $0 >= wanted } ?? unit
    var ticks: [Double] = [], tick = (low / step).rounded(.up) * step
    while tick <= high && ticks.count < 20 {
      ticks.append(tick)
      tick += step
    }
    return ticks
  }

  /// Round steps from 0 to the last.
  var stepTicks: [Int] {
    var unit = 1
    while unit * 10 <= max(1, steps / 5) { unit *= 10 }
    let step = [1, 2, 5, 10].map { $0 * unit }.first { $0 * 6 >= steps } ?? unit
    return Array(stride(from: 0, through: steps, by: step))
  }
}
