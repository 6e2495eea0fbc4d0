/// In which numbers weights are read when text is generated.
public enum WeightType: String, CaseIterable, Sendable {
  /// As they were trained, read where they lie.
  case fp32
  /// The upper half of fp32: 8 bits of exponent, 8 of precision.
  case bf16
  /// IEEE's half: 5 bits of exponent, 11 of precision.
  case f16
  /// -127 … 127 times a scale for each 64 inputs of an output.
  case int8

  /// Inputs of an output that share a scale in int8.
  package static var block: Int { 64 }
}
