@_spi(_Unicode) import Swift

/// Unicode's normal form C (Unicode Standard Annex 15): marks are composed with the character before them, in one order.
///
/// It is done in small stretches. A character that is settled begins one, whatever stands before it: it neither changes,
/// composes with what comes before nor changes places. Bytes that are no UTF-8 are settled.
enum Composition {
  /// The text in form C; nil where it is in that form for certain. Costs a look at each byte, and a string for each
  /// stretch that may change.
  static func composed(_ text: Span<UInt8>, _ classes: PieceScanner) -> [UInt8]? {
    var place = unsettled(text, 0, classes)
    if place == text.count { return nil }
    var composed: [UInt8] = []
    composed.reserveCapacity(text.count + 16)
    var copied = 0
    while place < text.count {
      let start = max(copied, before(text, place))
      append(text, copied..<start, to: &composed)
      let end = classes.run(text, place, of: UnicodeClasses.unsettled)
      for scalar in string(text, start..<end)._nfc { composed += UTF8Scalars.bytes(of: scalar.value) }
      copied = end
      place = unsettled(text, end, classes)
    }
    append(text, copied..<text.count, to: &composed)
    return composed
  }

  /// The first character at or behind `start` that is not settled. All below U+0300 are, so that no byte below 0xCC
  /// begins one: blocks without others are passed over.
  private static func unsettled(_ text: Span<UInt8>, _ start: Int, _ classes: PieceScanner) -> Int {
    var place = start
    while place < text.count {
      if text[place] < 0xCC {
        place += 1
        while place + 32 <= text.count {
          var largest: UInt8 = 0
          for next in place..<place + 32 { largest = max(largest, text[next]) }
          if largest >= 0xCC { break }
          place += 32
        }
        continue
      }
      let (bits, length) = classes.classOf(text, place)
      if bits & UnicodeClasses.unsettled != 0 { return place }
      place += length
    }
    return text.count
  }

  /// A stretch as a string. The only starters that come apart into marks do so here: Swift does not move those marks.
  private static func string(_ text: Span<UInt8>, _ range: Range<Int>) -> String {
    var string = String.UnicodeScalarView(), place = range.lowerBound
    while place < range.upperBound {
      let (scalar, length) = UTF8Scalars.decode(text, at: place)
      switch scalar {
      case 0xF73: string.append(contentsOf: "\u{F71}\u{F72}".unicodeScalars)
      case 0xF75: string.append(contentsOf: "\u{F71}\u{F74}".unicodeScalars)
      case 0xF81: string.append(contentsOf: "\u{F71}\u{F80}".unicodeScalars)
      default: string.append(Unicode.Scalar(scalar) ?? "\u{FFFD}")
      }
      place += length
    }
    return String(string)
  }

  /// Where the character begins that ends at `place`, with which something may compose; `place` itself if there is none.
  /// A mark that is newer than the table of what is settled stays out, since Swift would move it.
  private static func before(_ text: Span<UInt8>, _ place: Int) -> Int {
    if place == 0 { return 0 }
    var start = place - 1
    while start > 0 && place - start < 4 && text[start] & 0xC0 == 0x80 { start -= 1 }
    let (scalar, length) = UTF8Scalars.decode(text, at: start)
    if start + length != place { return place }
    return Unicode.Scalar(scalar)?.properties.canonicalCombiningClass == .notReordered ? start : place
  }

  private static func append(_ text: Span<UInt8>, _ range: Range<Int>, to bytes: inout [UInt8]) {
    for place in range { bytes.append(text[place]) }
  }
}
