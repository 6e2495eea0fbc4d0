/// The search for one sentence: of all continuations of the running hypotheses the best `beam` run on. It knows
/// log-probabilities, not models.
///
/// As transformers has it: of the best 2·beam continuations those that end and are among the first `beam` are kept by
/// their scores, the best `beam` of the others run on. Of equal ones the earlier hypothesis, then the lower id, comes
/// first.
package struct BeamSearch: Sendable {
  private let configuration: BeamSearchConfiguration
  private let end: Int32
  /// The most tokens of a translation, its end counted.
  private let lengthLimit: Int

  /// A hypothesis that has not ended.
  package struct Running: Sendable {
    package let ids: [Int32]
    package let logProbability: Double
    /// Which of the hypotheses before this step it continues.
    package let parent: Int
  }

  package private(set) var running: [Running]
  /// Those that have ended, the best first, at most `beam`.
  package private(set) var ended: [Translation] = []
  /// Whether no better translation is looked for.
  package private(set) var isDone = false

  package init(_ configuration: BeamSearchConfiguration, end: Int32, lengthLimit: Int) {
    self.configuration = configuration
    self.end = end
    self.lengthLimit = max(1, lengthLimit)
    running = [Running(ids: [], logProbability: 0, parent: 0)]
  }

  /// A token that may follow a hypothesis.
  package struct Continuation: Sendable, Equatable {
    package let parent: Int
    package let id: Int32
    /// Of the hypothesis and the token together.
    package let logProbability: Double

    package init(parent: Int, id: Int32, logProbability: Double) {
      self.parent = parent
      self.id = id
      self.logProbability = logProbability
    }

    func comesBefore(_ other: Continuation) -> Bool {
      if logProbability != other.logProbability { return logProbability > other.logProbability }
      return (parent, id) < (other.parent, other.id)
    }
  }

  /// How many continuations of all hypotheses matter.
  package var candidateCount: Int { 2 * configuration.beam }

  /// Leaves the best continuations, the best first.
  package static func keepBest(_ count: Int, of candidates: inout [Continuation]) {
    candidates.sort { $0.comesBefore($1) }
    if candidates.count > count { candidates.removeLast(candidates.count - count) }
  }

  /// One step; `candidates` has at least the best `candidateCount` continuations.
  package mutating func advance(_ candidates: [Continuation]) {
    let beam = configuration.beam
    var best = candidates
    Self.keepBest(candidateCount, of: &best)
    let length = (running.first?.ids.count ?? 0) + 1, isLast = length == lengthLimit
    var next: [Running] = []
    for (rank, candidate) in best.enumerated() {
      let ids = running[candidate.parent].ids
      if candidate.id == end || isLast {
        if rank < beam {
          add(
            Translation(
              ids: candidate.id == end ? ids : ids + [candidate.id],
              score: configuration.score(candidate.logProbability, length: length),
              logProbability: candidate.logProbability))
        }
      } else if next.count < beam {
        next.append(
          Running(ids: ids + [candidate.id], logProbability: candidate.logProbability, parent: candidate.parent))
      }
    }
    running = next
    isDone = running.isEmpty || isEnough(length: length)
  }

  private mutating func add(_ translation: Translation) {
    let place = ended.firstIndex { $0.score < translation.score } ?? ended.count
    ended.insert(translation, at: place)
    if ended.count > configuration.beam { ended.removeLast() }
  }

  private func isEnough(length: Int) -> Bool {
    guard let best = running.first else { return true }
    if ended.count >= configuration.hypotheses, let last = ended.prefix(configuration.hypotheses).last,
      most(best.logProbability, behind: length) < last.score
    {
      return true
    }
    guard ended.count >= configuration.beam, let worst = ended.last else { return false }
    if configuration.stopsEarly || configuration.beam == 1 { return true }
    return configuration.score(best.logProbability, length: length) <= worst.score
  }

  /// The highest score that a hypothesis may reach, as no token can add to its logarithm: what is wanted of those that
  /// have ended is then certain, and looking on would change nothing. (CTranslate2 stops so where no length penalty is
  /// asked for, transformers never.) A sum of fp32 logarithms may be wrong by the last bits.
  private func most(_ logProbability: Double, behind length: Int) -> Double {
    let sum = logProbability + 1e-5
    return max(
      configuration.score(sum, length: min(length + 1, lengthLimit)), configuration.score(sum, length: lengthLimit))
  }
}
