internal import MiniGPTCheckpoints
internal import MiniGPTPlatform
internal import MiniGPTStorage
internal import MiniGPTTensors

// Number formats as GGUF numbers its types of tensors. All of ours are written and read, int8 as its Q8_0, int4 as Q4_0.
extension NumberFormat {
  var gguf: UInt32 {
    switch self {
    case .fp32: 0
    case .f16: 1
    case .int4: 2
    case .int8: 8
    case .bf16: 30
    }
  }

  /// The format of a type that is read.
  init?(gguf type: UInt32) {
    guard let found = Self.allCases.first(where: { $0.gguf == type }) else { return nil }
    self = found
  }

  /// Whether numbers come in groups of 32 with a scale each.
  var isGrouped: Bool { self == .int8 || self == .int4 }

  /// Bytes of so many numbers, a multiple of 32 where they are grouped.
  func ggufByteCount(_ numbers: Int) -> Int {
    switch self {
    case .int8: numbers / 32 * 34
    case .int4: numbers / 32 * 18
    case .fp32, .bf16, .f16: numbers * byteCount
    }
  }

  /// What other types are called, for messages.
  static func ggufName(_ type: UInt32) -> String {
    let names: [UInt32: String] = [
      3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K",
      14: "Q6_K", 15: "Q8_K", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    ]
    return names[type] ?? "type \(type)"
  }
}

extension FileMatrix {
  /// Hands out all numbers as Q4_0: of each 32 in a row a scale in half precision, then sixteen bytes, the levels of the
  /// first half in their lower bits and those of the second in the upper ones.
  package func forEachPieceInFourBits(_ body: (RawSpan) throws -> Void) throws {
    let group = Int4Rounding.group
    check(columns % group == 0, "rows of \(columns) numbers in groups of \(group)")
    var bytes: [UInt8] = []
    try forEachBlock { _, numbers in
      bytes.removeAll(keepingCapacity: true)
      for start in stride(from: numbers.startIndex, to: numbers.endIndex, by: group) {
        var w = SIMD32<Float>()
        for index in 0..<group {
          let number = numbers[start + index]
          // The scale of larger ones is no half float.
          if !(abs(number) <= 7 * 65504) { throw TooLarge(number: number, type: "int4") }
          w[index] = number
        }
        let (scale, levels) = Int4Rounding.levels(w)
        bytes.append(UInt8(truncatingIfNeeded: scale))
        bytes.append(UInt8(truncatingIfNeeded: scale >> 8))
        for index in 0..<group / 2 { bytes.append(levels[index] | levels[index + group / 2] << 4) }
      }
      try body(bytes.rawBytes)
    }
  }

  /// Hands out all numbers as Q8_0: of each 32 in a row a scale in half precision, the largest size / 127, and the
  /// numbers as multiples of it in a byte each.
  package func forEachQuantizedPiece(_ body: (RawSpan) throws -> Void) throws {
    check(columns % 32 == 0, "rows of \(columns) numbers in groups of 32")
    var bytes: [UInt8] = []
    try forEachBlock { _, numbers in
      bytes.removeAll(keepingCapacity: true)
      var start = numbers.startIndex
      while start < numbers.endIndex {
        var largest: Float = 0
        for place in start..<start + 32 {
          largest = max(largest, abs(numbers[place]))
          if !numbers[place].isFinite { throw TooLarge(number: numbers[place], type: "int8") }
        }
        let scale = largest / 127, half = ShortFloat.f16(scale)
        if !ShortFloat.float(f16: half).isFinite { throw TooLarge(number: largest, type: "int8") }
        let inverse = scale == 0 ? 0 : 1 / scale
        bytes.append(UInt8(truncatingIfNeeded: half))
        bytes.append(UInt8(truncatingIfNeeded: half >> 8))
        for place in start..<start + 32 {
          let level = (numbers[place] * inverse).rounded(.toNearestOrAwayFromZero)
          bytes.append(UInt8(bitPattern: Int8(max(-127, min(127, level)))))
        }
        start += 32
      }
      try body(bytes.rawBytes)
    }
  }
}
