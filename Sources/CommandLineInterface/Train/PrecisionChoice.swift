internal import MiniGPT

/// What `--precision` may say.
enum PrecisionChoice: String, CaseIterable, Sendable {
  case auto, fp32, bf16

  /// What a run computes in; says so where bf16 is slower than it could be.
  static func settled(_ wanted: PrecisionChoice?, _ machine: Machine, _ console: Console) -> PrecisionChoice {
    let precision = (wanted ?? .auto).resolved(machine.processor)
    if precision == .bf16 && !machine.kernels.multipliesBFloat16 {
      console.note("this processor does not multiply bf16 itself: factors are rounded and multiplied in fp32")
    }
    return PrecisionChoice(precision)
  }

  init(_ precision: Precision) { self = precision == .bf16 ? .bf16 : .fp32 }

  /// What it becomes on a machine: `auto` is bf16 where the processor is faster with it, fp32 elsewhere.
  func resolved(_ processor: Processor) -> Precision {
    switch self {
    case .auto: processor.kernels.gainsByBFloat16 ? .bf16 : .fp32
    case .fp32: .fp32
    case .bf16: .bf16
    }
  }
}
