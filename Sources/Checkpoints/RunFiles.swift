package import MiniGPTStorage

/// The names of the files that a training leaves.
package struct RunFiles: Sendable {
  /// The latest state; training goes on from it.
  package let checkpoint: Path
  private let base: [UInt8]

  package static let ending = ".safetensors"
  package static let tokensEnding = ".tokens"
  private static let bestEnding = ".best" + ending
  private static let averageEnding = ".average" + ending
  private static let stepMark = ".step-"

  /// The run that keeps its latest state under a name: what else it writes is called after it, without its ending.
  package init(_ checkpoint: Path) {
    self.checkpoint = checkpoint
    base = checkpoint.hasSuffix(Self.ending) ? checkpoint.bytes.dropLast(Self.ending.utf8.count) : checkpoint.bytes
  }

  /// The run that left a file.
  package init(containing file: Path) {
    let ending = [Self.bestEnding, Self.averageEnding].first { file.hasSuffix($0) }
    self.init(ending.map { Path(bytes: file.bytes.dropLast($0.utf8.count) + Array(Self.ending.utf8)) } ?? file)
  }

  private func named(_ ending: String) -> Path { Path(bytes: base + Array(ending.utf8)) }

  /// The state with the best evaluation.
  package var best: Path { named(Self.bestEnding) }
  /// The mean of the last checkpoints.
  package var average: Path { named(Self.averageEnding) }
  /// What does the same again beside it.
  package var again: Path { named(".again" + Self.ending) }
  /// The ids of what it learns from.
  package var tokens: Path { named(Self.tokensEnding) }
  /// A line for each step.
  package var log: Path { named(".log.jsonl") }

  /// The weights of a step, to be averaged.
  package func step(_ step: Int) -> Path { named(Self.stepMark + "\(step)" + Self.ending) }

  /// What all its names begin with, as a name: what a process locks that writes any of them.
  package var name: Path { Path(bytes: base) }

  /// The weights of steps that lie beside it, by whichever run of this name.
  package func steps() throws(StorageError) -> [(step: Int, path: Path)] {
    let start = name.name + Array(Self.stepMark.utf8), end = Array(Self.ending.utf8)
    return try Files.list(checkpoint.folder).compactMap { file in
      let bytes = file.name
      guard bytes.count > start.count + end.count, bytes.starts(with: start), bytes.suffix(end.count).elementsEqual(end)
      else { return nil }
      let digits = String(decoding: bytes[start.count..<(bytes.count - end.count)], as: UTF8.self)
      guard let step = Int(digits), step >= 0, "\(step)" == digits else { return nil }
      return (step, file)
    }
  }

  /// Removes saves that killed processes did not finish.
  package func removeUnfinished() throws(StorageError) {
    let whole = [checkpoint, best, average, tokens].map(\.name), start = name.name + Array(Self.stepMark.utf8)
    try AtomicFile.removeLeftovers(in: checkpoint.folder) { target, isCut in
      isCut
        ? whole.contains { $0.starts(with: target) } || target.starts(with: start) || start.starts(with: target)
        : whole.contains(target) || target.starts(with: start)
    }
  }

  /// Its models, the one to take first.
  package var models: [Path] { [best, average, checkpoint] }

  /// Whether a file in a folder may be a model, by its name: weights of a step are none of their own.
  package static func mayBeModel(_ file: Path) -> Bool {
    let parts = file.name.split(separator: UInt8(ascii: "."))
    let isStep = parts.count >= 3 && parts[parts.count - 2].starts(with: "step-".utf8)
    return file.hasSuffix(ending) && !isStep
  }
}
