/// Finds where pieces end. Holds the class table, so that the loops do not ask for a global.
struct PieceScanner: Sendable {
  let splitter: Splitter
  private let bits: [UInt8]
  private let pages: [UInt16]

  init(_ splitter: Splitter) {
    self.splitter = splitter
    bits = UnicodeClasses.shared.bits
    pages = UnicodeClasses.shared.pages
  }

  /// Where the piece ends that begins at `start`, which must be the start of a piece and inside the text.
  @inline(__always)
  func end(in text: Span<UInt8>, from start: Int) -> Int {
    switch splitter {
    case .gpt2: gpt2(text, start)
    case .cl100k: cl100k(text, start, numerals: 3)
    case .o200k: o200k(text, start)
    case .qwen2: cl100k(text, start, numerals: 1)
    case .smollm: smollm(text, start)
    case .spaces: spaces(text, start)
    case .none: text.count
    }
  }

  /// The first place at or behind `start` where every text that goes on there has a cut, whatever comes before:
  /// parts between such places can be split on their own. The end of the text if there is none.
  ///
  /// All rules cut between a character and the white space behind it, if the character is a letter or a number; the
  /// rules of GPT-2, SmolLM and of spaces also if it is anything else but white space.
  func safeCut(in text: Span<UInt8>, from start: Int) -> Int {
    if splitter == .none { return text.count }
    let wanted =
      switch splitter {
      case .gpt2, .smollm, .spaces: ~UnicodeClasses.space
      case .cl100k, .o200k, .qwen2, .none: UnicodeClasses.letter | UnicodeClasses.number
      }
    var place = max(start, 1)
    while place < text.count {
      let byte = text[place]
      if byte == 0x20 || 9...13 ~= byte {
        let before = classBefore(text, place)
        if before & wanted != 0 && before & UnicodeClasses.space == 0 { return place }
      }
      place += 1
    }
    return text.count
  }

  /// The class of the character that ends at `place`; a bit of its own for what has no class, none for broken bytes.
  func classBefore(_ text: Span<UInt8>, _ place: Int) -> UInt8 {
    var start = place - 1
    while start > 0 && place - start < 4 && text[start] & 0xC0 == 0x80 { start -= 1 }
    let (scalar, length) = UTF8Scalars.decode(text, at: start)
    if scalar == UTF8Scalars.broken || start + length != place { return 0 }
    return UnicodeClasses.shared.of(scalar) | 128
  }

  /// The class of the character at `place` and its length.
  @inline(__always)
  func classOf(_ text: Span<UInt8>, _ place: Int) -> (bits: UInt8, length: Int) {
    let byte = text[place]
    if byte < 0x80 { return (bits[Int(byte)], 1) }
    return slowClass(text, place)
  }

  @inline(never)
  private func slowClass(_ text: Span<UInt8>, _ place: Int) -> (bits: UInt8, length: Int) {
    let (scalar, length) = UTF8Scalars.decode(text, at: place)
    if scalar == UTF8Scalars.broken { return (0, 1) }
    return (bits[Int(pages[Int(scalar >> 8)]) << 8 | Int(scalar & 255)], length)
  }

  /// Where the run of characters ends that have a bit of `wanted`.
  @inline(__always)
  func run(_ text: Span<UInt8>, _ start: Int, of wanted: UInt8) -> Int {
    var place = start
    while place < text.count {
      let (bits, length) = classOf(text, place)
      if bits & wanted == 0 { break }
      place += length
    }
    return place
  }

  /// Where the run of characters ends that have no bit of `unwanted`.
  @inline(__always)
  func run(_ text: Span<UInt8>, _ start: Int, without unwanted: UInt8) -> Int {
    var place = start
    while place < text.count {
      let (bits, length) = classOf(text, place)
      if bits & unwanted != 0 { break }
      place += length
    }
    return place
  }

  /// `\s+(?!\S)|\s+`: the white space at `start`, less its last character if something else follows and there are
  /// several. With `newlines`, `\s*[\r\n]+` comes first: up to the last line end among it.
  func whiteSpace(_ text: Span<UInt8>, _ start: Int, newlines: Bool) -> Int {
    var place = start
    var last = start
    var afterNewline = start
    while place < text.count {
      let (bits, length) = classOf(text, place)
      if bits & UnicodeClasses.space == 0 { break }
      last = place
      place += length
      if newlines && isNewline(text[last]) { afterNewline = place }
    }
    if afterNewline > start { return afterNewline }
    return place == text.count || last == start ? place : last
  }

  /// `{1,most}` numbers.
  func digits(_ text: Span<UInt8>, _ start: Int, _ most: Int) -> Int {
    var place = start
    for _ in 0..<most where place < text.count {
      let (bits, length) = classOf(text, place)
      if bits & UnicodeClasses.number == 0 { break }
      place += length
    }
    return place
  }

  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)` at `start`, or `start`. Without regard to case `s` also means U+017F.
  func anyCaseContraction(_ text: Span<UInt8>, _ start: Int) -> Int {
    if start + 1 >= text.count || text[start] != UInt8(ascii: "'") { return start }
    let first = text[start + 1]
    let second = start + 2 < text.count ? text[start + 2] : 0
    switch first | 0x20 {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return second | 0x20 == UInt8(ascii: "e") ? start + 3 : start
    case UInt8(ascii: "l"):
      return second | 0x20 == UInt8(ascii: "l") ? start + 3 : start
    default:
      return first == 0xC5 && second == 0xBF ? start + 3 : start
    }
  }

  func isNewline(_ byte: UInt8) -> Bool { byte == 10 || byte == 13 }
}
