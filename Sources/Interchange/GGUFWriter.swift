internal import MiniGPTCheckpoints
internal import MiniGPTTensors

/// The bytes in front of a GGUF file's data (version 3, little-endian): counts, keys with values, and the tensors.
struct GGUFWriter {
  struct Tensor {
    let tensor: ExportedTensor
    let format: NumberFormat

    var byteCount: Int { format.ggufByteCount(tensor.matrix.rows * tensor.matrix.columns) }
    /// As stored: after each tensor zeros up to the next multiple of 32.
    var paddedCount: Int { (byteCount + 31) / 32 * 32 }
  }

  private var pairs: [UInt8] = []
  private var pairCount: UInt64 = 0

  mutating func add(_ key: String, _ value: UInt32) { add(key, type: 4) { $0 += Self.bytes(value) } }
  mutating func add(_ key: String, _ value: Float) { add(key, type: 6) { $0 += Self.bytes(value.bitPattern) } }
  mutating func add(_ key: String, _ value: Bool) { add(key, type: 7) { $0.append(value ? 1 : 0) } }
  mutating func add(_ key: String, _ value: String) { add(key, type: 8) { $0 += Self.text(value) } }

  mutating func add(_ key: String, _ values: [String]) {
    add(key, type: 9) { bytes in
      bytes += Self.bytes(UInt32(8)) + Self.bytes(UInt64(values.count))
      for value in values { bytes += Self.text(value) }
    }
  }

  mutating func add(_ key: String, _ values: [Int32]) {
    add(key, type: 9) { bytes in
      bytes += Self.bytes(UInt32(5)) + Self.bytes(UInt64(values.count))
      for value in values { bytes += Self.bytes(UInt32(bitPattern: value)) }
    }
  }

  /// Everything in front of the data.
  func front(_ tensors: [Tensor]) -> [UInt8] {
    var bytes = Array("GGUF".utf8) + Self.bytes(UInt32(3)) + Self.bytes(UInt64(tensors.count)) + Self.bytes(pairCount)
    bytes += pairs
    var offset = 0
    for tensor in tensors {
      let shape = tensor.tensor.shape
      bytes += Self.text(tensor.tensor.name) + Self.bytes(UInt32(shape.count))
      for size in shape.reversed() { bytes += Self.bytes(UInt64(size)) }
      bytes += Self.bytes(tensor.format.gguf) + Self.bytes(UInt64(offset))
      offset += tensor.paddedCount
    }
    return bytes + [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32)
  }

  private mutating func add(_ key: String, type: UInt32, _ value: (inout [UInt8]) -> Void) {
    pairs += Self.text(key) + Self.bytes(type)
    value(&pairs)
    pairCount += 1
  }

  private static func text(_ text: String) -> [UInt8] { bytes(UInt64(text.utf8.count)) + Array(text.utf8) }

  private static func bytes(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
  }

  private static func bytes(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }
}
