extension JSONReader {
  /// Goes over a string, checks it, and returns what stands between its quotes.
  mutating func scanString() throws(JSONError) -> (Range<Int>, hasEscapes: Bool) {
    let start = offset + 1
    var hasEscapes = false
    var index = start
    while index < bytes.byteCount {
      let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
      if byte == UInt8(ascii: "\"") {
        offset = index + 1
        return (start..<index, hasEscapes)
      }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        offset = index
        index += try escapeLength()
      } else if byte < 0x20 {
        throw JSONError(offset: index, .controlCharacter(byte))
      } else {
        index += 1
      }
    }
    offset = index
    throw unexpected("the end of a string")
  }

  /// The length of the escape at `offset`, of a surrogate pair as a whole.
  private func escapeLength() throws(JSONError) -> Int {
    guard offset + 1 < bytes.byteCount else { throw unexpected("an escape") }
    switch bytes[offset + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return 2
    case UInt8(ascii: "u"): break
    default: throw unexpected("an escape that JSON knows")
    }
    guard let unit = fourDigits(offset) else { throw unexpected("four hexadecimal digits") }
    switch unit {
    case 0xD800..<0xDC00:
      guard let second = fourDigits(offset + 6), (0xDC00..<0xE000).contains(second) else { throw error(.loneSurrogate) }
      return 12
    case 0xDC00..<0xE000: throw error(.loneSurrogate)
    default: return 6
    }
  }

  /// The code unit of `\u` and four hexadecimal digits at `index`; nil where that does not stand there.
  private func fourDigits(_ index: Int) -> UInt32? {
    guard index + 6 <= bytes.byteCount, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
      return nil
    }
    var unit: UInt32 = 0
    for place in 2..<6 {
      let byte = bytes[index + place]
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt32(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): unit = unit << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): unit = unit << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
      default: return nil
      }
    }
    return unit
  }

  /// The text of a string that `scanString` checked.
  func unescaped(_ range: Range<Int>) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    var index = range.lowerBound
    while index < range.upperBound {
      let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
      if byte != UInt8(ascii: "\\") {
        result.append(byte)
        index += 1
        continue
      }
      index += 2
      switch bytes[index - 1] {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0C)
      case UInt8(ascii: "n"): result.append(0x0A)
      case UInt8(ascii: "r"): result.append(0x0D)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "u"):
        var scalar = fourDigits(index - 2) ?? 0
        index += 4
        if (0xD800..<0xDC00).contains(scalar) {
          scalar = 0x10000 + (scalar - 0xD800) << 10 + ((fourDigits(index) ?? 0xDC00) - 0xDC00)
          index += 6
        }
        if let scalar = Unicode.Scalar(scalar) {
          result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
      case let literal: result.append(literal)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The whole text is known to be UTF-8, and no sequence straddles an ASCII character.
  func text(_ range: Range<Int>) -> String {
    let part = unsafe bytes.extracting(range)._unsafeView(as: UInt8.self)
    return String(copying: unsafe UTF8Span(unchecked: part))
  }

  /// What stands at `offset`, as words for a message.
  var found: String {
    guard let byte = peek else { return "the end" }
    switch byte {
    case UInt8(ascii: "{"): return "an object"
    case UInt8(ascii: "["): return "a list"
    case UInt8(ascii: "\""): return "a string"
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
      var end = offset + 1
      while end < min(bytes.byteCount, offset + 24), "0123456789+-.eE".utf8.contains(bytes[end]) { end += 1 }
      return text(offset..<end)
    case 0x21..<0x7F: return "`\(Character(Unicode.Scalar(byte)))`"
    default: return "byte \(byte)"
    }
  }
}
