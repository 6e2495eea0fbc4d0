/// In which precision matrix products are computed. Sums, and all else, are fp32.
public enum Precision: String, CaseIterable, Sendable {
  case fp32
  /// Factors are rounded to bfloat16 when they are packed for a product; nothing is stored in it.
  case bf16
}

/// How a product meets its factors.
enum FactorFormat {
  /// As they are.
  case single
  /// Two bfloat16 in a word, for instructions that multiply both.
  case pairs
  /// Rounded to bfloat16 but kept as floats, where the processor has no such instructions.
  case rounded

  init(_ precision: Precision, _ kernels: Kernels) {
    self = precision == .fp32 ? .single : kernels.multipliesBFloat16 ? .pairs : .rounded
  }

  /// 32-bit words that hold so many elements of the depth.
  func words(_ depth: Int) -> Int { self == .pairs ? (depth + 1) / 2 : depth }
}
