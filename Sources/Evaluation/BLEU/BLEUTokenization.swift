/// How BLEU cuts sentences into words; the names are sacreBLEU's.
public enum BLEUTokenization: String, Sendable, CaseIterable {
  /// At white space alone: for text that is tokenised already.
  case none
  /// As NIST's mteval-v13a does, which WMT uses: punctuation is cut off, but for points and commas inside numbers.
  case mteval13a = "13a"

  /// The words of a text; white space is what Python takes for it.
  package func words(of text: [UInt8], lowercased: Bool) -> [[Unicode.Scalar]] {
    var scalars = Array(String(decoding: text, as: UTF8.self).unicodeScalars)
    if lowercased { scalars = Self.lowercased(scalars) }
    while let last = scalars.last, Self.isSpace(last) { scalars.removeLast() }
    if self == .mteval13a { scalars = Self.tokenized13a(scalars) }
    return scalars.split(whereSeparator: Self.isSpace).map(Array.init)
  }

  // MARK: - mteval-v13a

  /// The steps of mteval-v13a, one after another, each over what the one before left.
  private static func tokenized13a(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var text = text
    for (name, value) in entities { text = replacing(name, by: value, in: text) }
    text = [" "] + text + [" "]
    text = text.flatMap { isSymbol($0) ? [" ", $0, " "] : [$0] }
    // A point or a comma is a word of its own unless a digit stands before it, and unless one stands behind it.
    text = cutting(text, { !isDigit($0) }, isPoint, gaps: (false, true))
    text = cutting(text, isPoint, { !isDigit($0) }, gaps: (true, false))
    // So is a dash behind a digit.
    return cutting(text, isDigit, { $0 == "-" }, gaps: (false, true))
  }

  /// What is written in another way in the texts that the script was made for, in its order.
  private static let entities: [([Unicode.Scalar], [Unicode.Scalar])] = [
    ("<skipped>", ""), ("-\n", ""), ("\n", " "), ("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"),
  ].map { (Array($0.0.unicodeScalars), Array($0.1.unicodeScalars)) }

  private static func replacing(
    _ name: [Unicode.Scalar], by value: [Unicode.Scalar], in text: [Unicode.Scalar]
  ) -> [Unicode.Scalar] {
    guard let first = name.first, text.contains(first) else { return text }
    var result: [Unicode.Scalar] = [], place = 0
    while place < text.count {
      if text[place...].starts(with: name) {
        result += value
        place += name.count
      } else {
        result.append(text[place])
        place += 1
      }
    }
    return result
  }

  /// Puts a space between every two neighbours that fit, and one before or behind them. As with a regular expression,
  /// what was a second neighbour is no first one any more.
  private static func cutting(
    _ text: [Unicode.Scalar], _ first: (Unicode.Scalar) -> Bool, _ second: (Unicode.Scalar) -> Bool,
    gaps: (before: Bool, behind: Bool)
  ) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = [], place = 0
    result.reserveCapacity(2 * text.count)
    while place < text.count {
      if place + 1 < text.count, first(text[place]), second(text[place + 1]) {
        if gaps.before { result.append(" ") }
        result += [text[place], " ", text[place + 1]]
        if gaps.behind { result.append(" ") }
        place += 2
      } else {
        result.append(text[place])
        place += 1
      }
    }
    return result
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { "0"..."9" ~= scalar }
  private static func isPoint(_ scalar: Unicode.Scalar) -> Bool { scalar == "." || scalar == "," }

  /// ASCII's symbols but for `'`, `,`, `-` and `.`; nothing beyond ASCII.
  private static func isSymbol(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "{"..."~", "["..."`", " "..."&", "("..."+", ":"..."@", "/": true
    default: false
    }
  }

  // MARK: - What Python does to text

  /// Python's `str.isspace`: the bidirectional classes B, S and WS, and the category Zs.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
    default: false
    }
  }

  /// Python's `str.lower`: the full mapping, with the final sigma (Unicode 16.0, §3.13, table 3-17).
  static func lowercased(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    for (place, scalar) in text.enumerated() {
      if scalar == "\u{03A3}" {
        let before = text[..<place].last { !$0.properties.isCaseIgnorable }
        let behind = text[(place + 1)...].first { !$0.properties.isCaseIgnorable }
        let isFinal = before.map(\.properties.isCased) ?? false && !(behind.map(\.properties.isCased) ?? false)
        result.append(isFinal ? "\u{03C2}" : "\u{03C3}")
      } else {
        result += Array(scalar.properties.lowercaseMapping.unicodeScalars)
      }
    }
    return result
  }
}
