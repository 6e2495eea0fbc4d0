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

  /// How many continuations of a hypothesis may matter.
  package var candidatesPerHypothesis: Int { 2 * configuration.beam }

  /// One step; `candidates` has at least the best `candidatesPerHypothesis` continuations of each running hypothesis.
  package mutating func advance(_ candidates: [Continuation]) {
    let beam = configuration.beam
    let best = candidates.sorted { $0.comesBefore($1) }.prefix(2 * beam)
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
    guard ended.count >= configuration.beam, let worst = ended.last, let best = running.first else { return false }
    if configuration.stopsEarly || configuration.beam == 1 { return true }
    return configuration.score(best.logProbability, length: length) <= worst.score
  }
}
