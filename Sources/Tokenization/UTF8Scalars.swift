/// Reading Unicode scalars out of bytes, without `String`.
package enum UTF8Scalars {
  /// What `decode` gives for a byte that is not part of well-formed UTF-8.
  static let broken: UInt32 = 0xFFFF_FFFF

  /// The scalar at `start` and how many bytes it takes; `broken` and 1 where the bytes there are none.
  ///
  /// Well-formed as in the Unicode standard, table 3-7: no surrogates, no overlong forms, nothing above U+10FFFF.
  static func decode(_ text: Span<UInt8>, at start: Int) -> (scalar: UInt32, length: Int) {
    let first = text[start]
    if first < 0x80 { return (UInt32(first), 1) }
    let length = length(first)
    if length == 0 || start + length > text.count { return (broken, 1) }
    let second = text[start + 1]
    if !secondFits(first, second) { return (broken, 1) }
    var scalar = (UInt32(first) & (0x7F >> UInt32(length))) << 6 | UInt32(second & 0x3F)
    for place in 2..<max(2, length) {
      let next = text[start + place]
      if next & 0xC0 != 0x80 { return (broken, 1) }
      scalar = scalar << 6 | UInt32(next & 0x3F)
    }
    return (scalar, length)
  }

  /// How many bytes a character takes that begins with `first`; 0 if none does.
  static func length(_ first: UInt8) -> Int {
    switch first {
    case 0..<0x80: 1
    case 0xC2..<0xE0: 2
    case 0xE0..<0xF0: 3
    case 0xF0..<0xF5: 4
    default: 0
    }
  }

  /// Whether `second` may follow `first` as the second byte of a character of two or more.
  static func secondFits(_ first: UInt8, _ second: UInt8) -> Bool {
    switch first {
    case 0xE0: 0xA0...0xBF ~= second
    case 0xED: 0x80...0x9F ~= second
    case 0xF0: 0x90...0xBF ~= second
    case 0xF4: 0x80...0x8F ~= second
    default: 0x80...0xBF ~= second
    }
  }

  /// Where the first byte stands that is not part of well-formed UTF-8.
  package static func firstBroken(in text: Span<UInt8>) -> Int? {
    var place = 0
    while place < text.count {
      if text[place] < 0x80 {
        place += 1
        continue
      }
      let (scalar, length) = decode(text, at: place)
      if scalar == broken { return place }
      place += length
    }
    return nil
  }

  /// The first place at or behind `start` where no character goes on.
  static func boundary(in text: Span<UInt8>, from start: Int) -> Int {
    var place = min(start, text.count)
    // Four bytes in a row cannot all go on a character; if they seem to, the text is broken whatever is cut.
    while place < text.count && place < start + 4 && text[place] & 0xC0 == 0x80 { place += 1 }
    return place
  }

  /// The bytes of a scalar.
  static func bytes(of scalar: UInt32) -> [UInt8] {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(scalar >> shift & 0x3F | 0x80) }
    switch scalar {
    case 0..<0x80: return [UInt8(scalar)]
    case 0x80..<0x800: return [UInt8(scalar >> 6 | 0xC0), tail(0)]
    case 0x800..<0x10000: return [UInt8(scalar >> 12 | 0xE0), tail(6), tail(0)]
    default: return [UInt8(scalar >> 18 & 7 | 0xF0), tail(12), tail(6), tail(0)]
    }
  }

  /// A scalar as an error shows it: `'é' (U+00E9)`; what a terminal would obey only by its number.
  static func name(_ scalar: UInt32) -> String {
    let hex = String(scalar, radix: 16, uppercase: true)
    let number = "U+" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
    guard let value = Unicode.Scalar(scalar) else { return number }
    switch value.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: return number
    default: return "'\(value)' (\(number))"
    }
  }
}
