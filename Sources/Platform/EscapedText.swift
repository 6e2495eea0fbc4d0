/// Text that a terminal shows and never obeys.
///
/// Escaped are C0 and C1 controls, DEL, the marks that turn the direction of writing, the two Unicode line breaks, and
/// bytes that are no UTF-8. Everything else passes as it is.
package enum EscapedText {
  /// What may pass although it is a control character.
  package enum Layout: Sendable {
    /// Nothing: the result is one line.
    case oneLine
    /// Newline and tab, as in text that a model wrote. A carriage return that ends a line is left out.
    case lines
  }

  package static func bytes(_ source: [UInt8], layout: Layout = .oneLine) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(source.count)
    var index = 0
    while index < source.count {
      let length = UTF8Sequence.length(source, at: index)
      if length == 0 {
        result += Array("\\x\(hexadecimal(UInt32(source[index])))".utf8)
        index += 1
        continue
      }
      if layout == .lines, source[index] == 0x0D, index + 1 == source.count || source[index + 1] == 0x0A {
        index += 1
        continue
      }
      let scalar = UTF8Sequence.scalar(source, at: index, length: length)
      if let escape = escape(scalar, layout) {
        result += Array(escape.utf8)
      } else {
        result += source[index..<index + length]
      }
      index += length
    }
    return result
  }

  package static func string(_ source: [UInt8], layout: Layout = .oneLine) -> String {
    String(decoding: bytes(source, layout: layout), as: UTF8.self)
  }

  package static func string(_ source: String, layout: Layout = .oneLine) -> String {
    string(Array(source.utf8), layout: layout)
  }

  private static func escape(_ scalar: UInt32, _ layout: Layout) -> String? {
    switch scalar {
    case 0x09, 0x0A: return layout == .lines ? nil : (scalar == 0x09 ? "\\t" : "\\n")
    case 0x0D: return "\\r"
    case 0..<0x20, 0x7F: return "\\x\(hexadecimal(scalar))"
    case 0x80...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069:
      return "\\u{\(hexadecimal(scalar))}"
    default: return nil
    }
  }

  private static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return digits.utf8.count < 2 ? "0" + digits : digits
  }
}
