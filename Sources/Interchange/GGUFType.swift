internal import MiniGPTCheckpoints
internal import MiniGPTPlatform
internal import MiniGPTStorage
internal import MiniGPTTensors

// Number formats as GGUF numbers its types of tensors. All of ours are written and read, int8 as its Q8_0.
extension NumberFormat {
  var gguf: UInt32 {
    switch self {
    case .fp32: 0
    case .f16: 1
    case .int8: 8
    case .bf16: 30
    }
  }

  /// The format of a type that is read.
  init?(gguf type: UInt32) {
    guard let found = Self.allCases.first(where: { $0.gguf == type }) else { return nil }
    self = found
  }

  /// Bytes of so many numbers, a multiple of 32 in int8.
  func ggufByteCount(_ numbers: Int) -> Int { self == .int8 ? numbers / 32 * 34 : numbers * byteCount }

  /// What other types are called, for messages.
  static func ggufName(_ type: UInt32) -> String {
    let names: [UInt32: String] = [
      2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K",
      14: "Q6_K", 15: "Q8_K", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    ]
    return names[type] ?? "type \(type)"
  }
}

extension FileMatrix {
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
