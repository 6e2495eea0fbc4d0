/// In which numbers weights are written, and read when text is generated.
public enum NumberFormat: String, CaseIterable, Sendable {
  /// As they are trained.
  case fp32
  /// The upper half of fp32: 8 bits of exponent, 8 of precision.
  case bf16
  /// IEEE 754's half: 5 bits of exponent, 11 of precision, up to 65504.
  case f16
  /// -127 … 127 times a scale for each 64 inputs of an output.
  case int8
  /// -8 … 7 times a scale in f16 for each 32 inputs of an output, in the matrices of blocks; what makes the logits is int8.
  case int4

  /// Inputs of an output that share a scale in int8.
  package static var block: Int { 64 }

  /// The formats whose numbers need no scale.
  package static var floats: [NumberFormat] { [.fp32, .bf16, .f16] }

  /// What the matrix that makes the logits is read in.
  package var ofLogits: NumberFormat { self == .int4 ? .int8 : self }

  /// Bytes of a number that stands by itself: not of one in int4.
  package var byteCount: Int {
    switch self {
    case .fp32: 4
    case .bf16, .f16: 2
    case .int8, .int4: 1
    }
  }
}
