internal import MiniGPTStorage
internal import MiniGPTTensors

/// The types in which weights are written and read.
package enum NumberType: String, CaseIterable, Sendable {
  case fp32
  /// The upper half of a float: its range, 8 bits of precision.
  case bf16
  /// IEEE 754's half: 11 bits of precision, up to 65504.
  case f16

  package var byteCount: Int { self == .fp32 ? 4 : 2 }

  /// As `config.json` names it.
  var torch: String {
    switch self {
    case .fp32: "float32"
    case .bf16: "bfloat16"
    case .f16: "float16"
    }
  }

  package var safetensors: SafetensorsType {
    switch self {
    case .fp32: .f32
    case .bf16: .bf16
    case .f16: .f16
    }
  }

  package init?(_ type: SafetensorsType) {
    guard let found = Self.allCases.first(where: { $0.safetensors == type }) else { return nil }
    self = found
  }

  /// Puts the numbers of `bytes`, which may be aligned to nothing, into a block at `place`.
  func decode(_ bytes: RawSpan, into block: inout [Float], at place: Int) {
    let count = bytes.byteCount / byteCount
    switch self {
    case .fp32:
      if let numbers = bytes.numbers(Float.self) {
        for index in 0..<count { block[place + index] = numbers[index] }
      } else {
        for index in 0..<count { block[place + index] = bytes.load(Float.self, at: 4 * index) }
      }
    case .bf16:
      for index in 0..<count {
        block[place + index] = ShortFloat.float(bf16: bytes.load(UInt16.self, at: 2 * index))
      }
    case .f16:
      for index in 0..<count {
        block[place + index] = ShortFloat.float(f16: bytes.load(UInt16.self, at: 2 * index))
      }
    }
  }

  /// The bytes of numbers, rounded to the nearest, ties to even. Gives the first finite number that is too large for
  /// the type, if there is one.
  func encode(_ numbers: ArraySlice<Float>, into words: inout [UInt16]) -> Float? {
    var tooLarge: Float?
    for number in numbers {
      let word = self == .bf16 ? ShortFloat.bf16(number) : ShortFloat.f16(number)
      if number.isFinite && word & 0x7FFF == (self == .bf16 ? 0x7F80 : 0x7C00) { tooLarge = tooLarge ?? number }
      words.append(word)
    }
    return tooLarge
  }
}
