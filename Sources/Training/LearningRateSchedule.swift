package import MiniGPTCheckpoints
internal import MiniGPTTensors

/// The learning rate of each update: a linear warm-up, then one of five ways.
///
/// Updates are counted from 0; w is the warm-up, n all updates, u = (i - w) / (n - w) what is done of the rest.
/// - warm-up: peak · (i + 1) / w for i < w
/// - cosine (Loshchilov and Hutter 2017): floor + (peak - floor) · (1 + cos πu) / 2
/// - linear: peak + (floor - peak) · u
/// - constant: peak
/// - inverse square root (Vaswani et al. 2017, §5.3, eq. (3)): peak · √(w / (i + 1)), w at least 1
/// - plateau: peak, then in the last f · n updates floor + (peak - floor) · (n - i) / (f · n)
package struct LearningRateSchedule: Sendable {
  package let kind: ScheduleKind
  package let peak: Double
  package let floor: Double
  package let warmup: Int
  package let steps: Int
  /// f
  package let cooldown: Double

  package init(_ configuration: TrainingConfiguration) {
    kind = configuration.schedule
    peak = configuration.learningRate
    floor = configuration.minimumLearningRate
    warmup = configuration.warmup
    steps = configuration.steps
    cooldown = configuration.cooldown
  }

  /// Updates before the rate of a plateau begins to fall: until then it does not matter how many there are.
  package var stepsBeforeFall: Int {
    kind == .plateau ? max(warmup, steps - Int(cooldown * Double(steps))) : kind == .constant ? steps : 0
  }

  package func rate(at step: Int) -> Double {
    if step < warmup { return peak * Double(step + 1) / Double(warmup) }
    let done = min(1, Double(step - warmup) / Double(max(1, steps - warmup)))
    switch kind {
    case .cosine: return floor + (peak - floor) * (1 + Double.cos(.pi * done)) / 2
    case .linear: return peak + (floor - peak) * done
    case .constant: return peak
    case .plateau:
      let length = cooldown * Double(steps), fallen = Double(step) - (Double(steps) - length)
      return peak + (floor - peak) * min(1, max(0, fallen / max(1, length)))
    case .inverseSquareRoot: return peak * (Double(max(1, warmup)) / Double(step + 1)).squareRoot()
    }
  }
}
