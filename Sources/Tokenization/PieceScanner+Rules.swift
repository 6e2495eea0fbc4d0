/// The published rules, alternative by alternative, in their order.
extension PieceScanner {
  private static let wordOrSpace = UnicodeClasses.letter | UnicodeClasses.number | UnicodeClasses.space

  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  @inline(__always)
  func gpt2(_ text: Span<UInt8>, _ start: Int) -> Int {
    var place = start
    var (bits, length) = classOf(text, place)
    if bits & UnicodeClasses.space != 0 {
      if text[place] != 0x20 || place + 1 == text.count { return whiteSpace(text, start, newlines: false) }
      place += 1
      (bits, length) = classOf(text, place)
      if bits & UnicodeClasses.space != 0 { return whiteSpace(text, start, newlines: false) }
    } else if text[place] == UInt8(ascii: "'") {
      let end = contraction(text, place)
      if end > place { return end }
    }
    place += length
    if bits & UnicodeClasses.letter != 0 { return run(text, place, of: UnicodeClasses.letter) }
    if bits & UnicodeClasses.number != 0 { return run(text, place, of: UnicodeClasses.number) }
    return run(text, place, without: Self.wordOrSpace)
  }

  /// `\p{N}` alone; else GPT-2's rule on a text that ends before the next number, where white space stays together.
  func smollm(_ text: Span<UInt8>, _ start: Int) -> Int {
    let (bits, length) = classOf(text, start)
    if bits & UnicodeClasses.number != 0 { return start + length }
    if bits & UnicodeClasses.space != 0 {
      let end = run(text, start, of: UnicodeClasses.space)
      if end < text.count && classOf(text, end).bits & UnicodeClasses.number != 0 { return end }
    }
    return gpt2(text, start)
  }

  /// `'s|'t|'re|'ve|'m|'ll|'d` at `start`, or `start`.
  private func contraction(_ text: Span<UInt8>, _ start: Int) -> Int {
    if start + 1 >= text.count { return start }
    let second = start + 2 < text.count ? text[start + 2] : 0
    switch text[start + 1] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"): return second == UInt8(ascii: "e") ? start + 3 : start
    case UInt8(ascii: "l"): return second == UInt8(ascii: "l") ? start + 3 : start
    default: return start
    }
  }

  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+`
  /// `|\s+(?!\S)|\s+`, with so many `numerals` at most.
  func cl100k(_ text: Span<UInt8>, _ start: Int, numerals: Int) -> Int {
    let short = anyCaseContraction(text, start)
    if short > start { return short }
    let (bits, length) = classOf(text, start)
    if bits & UnicodeClasses.letter != 0 { return run(text, start + length, of: UnicodeClasses.letter) }
    if bits & UnicodeClasses.number != 0 { return digits(text, start, numerals) }
    let next = start + length
    let following = next < text.count ? classOf(text, next).bits : UnicodeClasses.space
    if following & UnicodeClasses.letter != 0 && !isNewline(text[start]) {
      return run(text, next, of: UnicodeClasses.letter)
    }
    return signs(text, start, bits, next, following, slash: false)
  }

  /// ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`; with `slash`, `/` may stand among the line ends.
  private func signs(
    _ text: Span<UInt8>, _ start: Int, _ bits: UInt8, _ next: Int, _ following: UInt8, slash: Bool
  ) -> Int {
    let spaced = text[start] == 0x20 && following & Self.wordOrSpace == 0
    if bits & UnicodeClasses.space != 0 && !spaced { return whiteSpace(text, start, newlines: true) }
    var place = run(text, next, without: Self.wordOrSpace)
    while place < text.count, isNewline(text[place]) || slash && text[place] == UInt8(ascii: "/") { place += 1 }
    return place
  }

  /// With U = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, l = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`, c = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`:
  /// `[^\r\n\p{L}\p{N}]?U*l+c?|[^\r\n\p{L}\p{N}]?U+l*c?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
  func o200k(_ text: Span<UInt8>, _ start: Int) -> Int {
    let (bits, length) = classOf(text, start)
    if bits & UnicodeClasses.number != 0 { return digits(text, start, 3) }
    let next = start + length
    // A mark may stand before a word or begin it: the word ends at the same place.
    let isWord = bits & (UnicodeClasses.letter | UnicodeClasses.mark) != 0
    if isWord || !isNewline(text[start]) {
      let first = isWord ? start : next
      let end = casedWord(text, first)
      if end > first { return anyCaseContraction(text, end) }
    }
    let following = next < text.count ? classOf(text, next).bits : UnicodeClasses.space
    return signs(text, start, bits, next, following, slash: true)
  }

  /// `U*l+`, else `U+l*`, or `start`.
  ///
  /// Where no `l` follows the run of `U`, the run gives back until a character of both kinds ends the word; where
  /// there is none either, the run is the word.
  private func casedWord(_ text: Span<UInt8>, _ start: Int) -> Int {
    let both = UnicodeClasses.caseless | UnicodeClasses.mark
    var place = start
    var afterBoth = start
    while place < text.count {
      let (bits, length) = classOf(text, place)
      if bits & (UnicodeClasses.upper | both) == 0 { break }
      place += length
      if bits & both != 0 { afterBoth = place }
    }
    let end = run(text, place, of: UnicodeClasses.lower | both)
    if end > place { return end }
    return afterBoth > start ? afterBoth : place
  }

  /// ` ?\S+|\s+(?!\S)|\s+`
  func spaces(_ text: Span<UInt8>, _ start: Int) -> Int {
    let (bits, length) = classOf(text, start)
    let next = start + length
    if bits & UnicodeClasses.space == 0 { return run(text, next, without: UnicodeClasses.space) }
    if text[start] == 0x20, next < text.count, classOf(text, next).bits & UnicodeClasses.space == 0 {
      return run(text, next, without: UnicodeClasses.space)
    }
    return whiteSpace(text, start, newlines: false)
  }
}
