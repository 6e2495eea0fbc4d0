internal import MiniGPT
internal import MiniGPTPlatform

/// The log of a run: one JSON object a line, at most one for each step.
///
/// A line stands before the checkpoint of its step is written, so that a run that is killed and resumed leaves the log
/// of one that was not, but for seconds and speed.
final class TrainingLog {
  private let file: AppendFile
  private let every: Int
  /// The step of the last line and where it begins, in bytes.
  private var lastStep: Int
  private var lastStart: Int
  private var end: Int
  private let isNew: Bool
  private var isWithdrawn = false
  /// Whether the log of another run is still there, and the lines that are to take its place.
  private var isWaiting: Bool
  private var waiting: [[UInt8]] = []

  /// Opens the log. A run that goes on at a step keeps the lines up to it; a new one takes the place of a log that is
  /// there when it is told to.
  init(_ path: Path, goingOnAt step: Int?, every: Int) throws {
    isNew = !Files.exists(path)
    let opened = try AppendFile(path)
    var start = 0, kept = 0, lastStep = -1, lastStart = 0
    if let step {
      try opened.forEachLine { line, lineEnd in
        guard let field = try? JSONField(parsing: line, source: "\(path)"),
          let number = try? field.field("step").integer(), number <= step
        else { return false }
        (lastStep, lastStart, kept) = (number, start, lineEnd)
        start = lineEnd
        return true
      }
    }
    let isWaiting = step == nil && !isNew
    if !isWaiting { try opened.truncate(to: kept) }
    self.isWaiting = isWaiting
    self.every = every
    (self.lastStep, self.lastStart, end) = (lastStep, lastStart, kept)
    file = opened
  }

  /// Throws where the file is there and is no log: it would be cut to nothing.
  static func check(_ path: Path) throws {
    guard Files.kind(path) == .file else { return }
    let start = Array("{\"step\":".utf8)
    let found = try FileReader.bytes(of: path, limit: start.count)
    if !start.starts(with: found) { throw NoLog(path: path) }
  }

  /// A run that came to nothing, on a full disk for one, leaves no empty log.
  deinit { if isNew && (end == 0 || isWithdrawn) { Files.removeQuietly(file.path) } }

  /// The run came to nothing: a log that was not there before goes with it.
  func withdraw() { isWithdrawn = true }

  /// The log of another run goes, and the lines so far stand in its place.
  func takePlace() throws {
    if !isWaiting { return }
    isWaiting = false
    try file.truncate(to: 0)
    (lastStart, end) = (0, 0)
    for line in waiting { try append(line) }
    waiting = []
  }

  private func append(_ line: [UInt8]) throws {
    try file.append(line: line)
    lastStart = end
    end += line.count + 1
  }

  func isDue(_ step: Int) -> Bool { step % every == 0 }

  /// Writes the line of a step; an evaluation's line replaces that of its step, and says what n-grams reach.
  func write(
    _ step: TrainingStep, tokensPerSecond: Double, evaluation: EvaluationResult?, ladder: CountingLadder? = nil
  ) throws {
    if step.step == lastStep {
      if isWaiting {
        waiting.removeLast()
      } else {
        try file.truncate(to: lastStart)
        end = lastStart
      }
    }
    var record: JSONObject = [
      "step": JSON(step.step), "loss": JSON(step.loss), "lr": JSON(step.learningRate),
      "grad_norm": JSON(step.gradientNorm), "tokens_per_s": JSON(tokensPerSecond.rounded()),
      "seconds": JSON((MonotonicTime.sinceProcessStart * 1000).rounded() / 1000),
    ]
    if let evaluation {
      record.append("val_loss", JSON(evaluation.loss))
      record.append("val_bits_per_byte", JSON(evaluation.bitsPerByte))
      if let ladder { record.append("ngram_bits_per_byte", .array(ladder.bitsPerByte.map { JSON($0) })) }
    }
    let line = try JSONWriter.write(.object(record), layout: .spaced, nonFinite: .null)
    lastStep = step.step
    if isWaiting { waiting.append(line) } else { try append(line) }
  }
}

/// A log would take the place of a file that is none.
struct NoLog: Error, CustomStringConvertible {
  let path: Path

  var description: String { "\(path): is there and is no log of a training; another --log leaves it alone" }
}
