import MiniGPTPlatform
import Testing

@Suite struct UTF8SequenceTests {
  @Test func everyScalar() {
    for value in stride(from: UInt32(0), through: 0x10FFFF, by: 1) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let bytes = Array(String(scalar).utf8)
      let length = UTF8Sequence.length(bytes, at: 0)
      if length != bytes.count || UTF8Sequence.scalar(bytes, at: 0, length: length) != value {
        Issue.record("U+\(String(value, radix: 16)): length \(length)")
      }
      if bytes.count > 1 && UTF8Sequence.length(bytes.dropLast(), at: 0) != 0 { Issue.record("cut U+\(value)") }
    }
  }

  /// Of all pairs of bytes, those are well-formed that Swift's own decoder takes.
  @Test func everyPair() {
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max where first >= 0x80 {
        let isValid = String(validating: [first, second], as: UTF8.self) != nil
        if (UTF8Sequence.length([first, second], at: 0) == 2) != isValid { Issue.record("\(first) \(second)") }
      }
    }
  }
}
