/// The Unicode 16.0 classes that the splitting rules and the composition of characters name, as bits, one byte a scalar.
///
/// Two steps find a scalar's bits: `pages` names its block of 256, `bits` holds the blocks, those of one class once. The
/// first block is that of ASCII, so that `bits[byte]` answers for a byte below 0x80.
package struct UnicodeClasses: Sendable {
  static let upper: UInt8 = 1  // \p{Lu} and \p{Lt}
  static let lower: UInt8 = 2  // \p{Ll}
  static let caseless: UInt8 = 4  // \p{Lm} and \p{Lo}
  static let mark: UInt8 = 8  // \p{M}
  static let number: UInt8 = 16  // \p{N}
  static let space: UInt8 = 32  // \s
  /// What NFC changes, composes with the character before it, or moves.
  static let unsettled: UInt8 = 64
  static let letter = upper | lower | caseless  // \p{L}

  static let shared = UnicodeClasses()

  let pages: [UInt16]
  let bits: [UInt8]

  private init() {
    var pages = [UInt16](repeating: 0, count: 0x1100)
    var bits: [UInt8] = []
    // The block of each class for the many pages that have one class throughout.
    var uniform = [UInt16?](repeating: nil, count: 256)
    var run = 0
    for page in 0..<0x1100 {
      let first = UInt32(page * 256)
      while run + 1 < Self.runs.count && Self.runs[run + 1] >> 8 <= first { run += 1 }
      let bit = UInt8(truncatingIfNeeded: Self.runs[run])
      let isUniform = run + 1 == Self.runs.count || Self.runs[run + 1] >> 8 >= first + 256
      if isUniform, let known = uniform[Int(bit)] {
        pages[page] = known
        continue
      }
      pages[page] = UInt16(bits.count >> 8)
      if isUniform { uniform[Int(bit)] = pages[page] }
      for scalar in first..<first + 256 {
        while run + 1 < Self.runs.count && Self.runs[run + 1] >> 8 <= scalar { run += 1 }
        bits.append(UInt8(truncatingIfNeeded: Self.runs[run]))
      }
    }
    self.pages = pages
    self.bits = bits
  }

  /// Whether a text holds nothing but white space.
  package static func isBlank(_ text: Span<UInt8>) -> Bool {
    PieceScanner(.none).run(text, 0, of: space) == text.count
  }

  /// The bits of a scalar; 0 for what is no scalar.
  func of(_ scalar: UInt32) -> UInt8 {
    scalar < 0x110000 ? bits[Int(pages[Int(scalar >> 8)]) << 8 | Int(scalar & 255)] : 0
  }
}
