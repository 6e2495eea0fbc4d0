internal import MiniGPTPlatform
internal import MiniGPTStorage
package import MiniGPTTensors

// Numbers as files hold them.
extension NumberFormat {
  package var safetensors: SafetensorsType {
    switch self {
    case .fp32: .f32
    case .bf16: .bf16
    case .f16: .f16
    case .int8: .i8
    case .int4: .u8
    }
  }

  /// The format of plain numbers in a tensor; nil where there is none, or where numbers need scales.
  package init?(_ type: SafetensorsType) {
    guard let found = Self.floats.first(where: { $0.safetensors == type }) else { return nil }
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
    case .int8, .int4: fail("\(rawValue) without scales")
    }
  }

  /// Appends numbers as two bytes each, rounded to the nearest, ties to even. Returns the first finite number that is
  /// too large for the format, if there is one.
  func encode(_ numbers: ArraySlice<Float>, into words: inout [UInt16]) -> Float? {
    check(byteCount == 2, "\(rawValue) in two bytes")
    var tooLarge: Float?
    for number in numbers {
      let word = self == .bf16 ? ShortFloat.bf16(number) : ShortFloat.f16(number)
      if number.isFinite && word & 0x7FFF == (self == .bf16 ? 0x7F80 : 0x7C00) { tooLarge = tooLarge ?? number }
      words.append(word)
    }
    return tooLarge
  }
}
