internal import MiniGPT
internal import MiniGPTPlatform

/// There was no time for a first step.
struct BudgetIsOver: Error, CustomStringConvertible {
  let seconds: Double

  var description: String { "a budget of \(duration(seconds)) is over before there is a first step" }
}

/// The clock of a run that is to end after some time: how many steps fit into what is left.
///
/// Times are of the process, from its start. A step's is smoothed over the last ones; evaluations, and what is said and
/// saved with them, are counted apart.
struct Budget {
  /// What there is, but for the last words.
  private let end: Double
  private var secondsPerStep: Double
  private var secondsPerEvaluation: Double
  private var last: Double
  private var counted = 0

  /// - Parameters:
  ///   - secondsPerStep: as a measurement found them.
  ///   - evaluation: what one costs, in steps.
  init(seconds: Double, secondsPerStep: Double, evaluation: Double, now: Double) {
    end = 0.98 * seconds
    self.secondsPerStep = secondsPerStep
    secondsPerEvaluation = evaluation * secondsPerStep
    last = now
  }

  /// A step ended.
  mutating func stepped(now: Double) {
    // The first ones touch memory for the first time.
    counted += 1
    if counted > 3 { secondsPerStep += (now - last - secondsPerStep) * max(0.03, 1 / Double(counted)) }
    last = now
  }

  /// An evaluation ended, with all that belongs to it.
  mutating func evaluated(now: Double) {
    secondsPerEvaluation = now - last
    last = now
  }

  /// What took time since the last step is no part of the next.
  mutating func restart(now: Double) { last = now }

  /// Steps in all, of which so many are done, with an evaluation every so often and one in the end.
  func steps(done: Int, evaluateEvery: Int, now: Double) -> Int {
    let left = end - now - secondsPerEvaluation
    let each = secondsPerStep + secondsPerEvaluation / Double(max(1, evaluateEvery))
    return done + max(1, Int(min(1e9, left / max(1e-9, each))))
  }

  /// The same for a run that is planned already: small differences are not worth a change, least of all once the rate falls,
  /// since then no command repeats the run.
  func steps(_ record: TrainingRecord, stepsBeforeFall: Int, now: Double) -> Int {
    let planned = record.configuration.steps, done = record.step
    if counted < 20 { return planned }
    let fits = steps(done: done, evaluateEvery: record.configuration.evaluateEvery, now: now)
    let change = abs(Double(fits - planned)) / Double(planned)
    return change > (done <= stepsBeforeFall ? 0.02 : 0.05) ? fits : planned
  }
}
