internal import MiniGPT
internal import MiniGPTPlatform

/// Attention maps with the words beside them, ready to be shown.
struct AttentionPicture {
  /// One head of one layer.
  struct Map {
    /// "layer 2, head 3".
    let name: String
    /// What maps that belong together share: "layer 2".
    let row: String
    /// The texts that look, one a row, and those that are looked at, one a column.
    let queries: [String]
    let keys: [String]
    /// The share of each key in each row, in ten-thousandths; every row sums to 10,000.
    let shares: [[Int]]

    init(name: String, row: String = "", queries: [String], keys: [String], weights: PlainMatrix<Double>) {
      self.name = name
      self.row = row
      self.queries = queries
      self.keys = keys
      shares = (0..<weights.rows).map { Self.tenThousandths(weights.row($0)) }
    }

    /// Rounds so that the sum stays: what is missing goes to those that lost most.
    static func tenThousandths(_ row: [Double]) -> [Int] {
      let exact = row.map { $0 * 10_000 }
      var result = exact.map { Int($0.rounded(.down)) }
      let missing = 10_000 - result.reduce(0, +)
      let lost: [Double] = exact.indices.map { exact[$0] - Double(result[$0]) }
      let order = lost.indices.sorted { a, b in lost[a] == lost[b] ? a < b : lost[a] > lost[b] }
      for index in order.prefix(max(0, missing)) { result[index] += 1 }
      return result
    }
  }

  let title: String
  let maps: [Map]

  /// What each token says, spaces and line ends visible. Of a character in several tokens the last one has it, the
  /// others are dots.
  static func labels(_ ids: [Int32], _ tokenizer: any Tokenizer) -> [String] {
    var decoder = StreamingDecoder(tokenizer), labels: [String] = []
    for id in ids {
      let text = tokenizer.isSpecial(id) ? printable(tokenizer.bytes(of: id)) : printable(decoder.push(id))
      labels.append(text.isEmpty ? "…" : String(text.map { $0 == " " ? "␣" : $0 }))
    }
    return labels
  }
}

/// For a terminal of 60 columns.
extension AttentionPicture.Map {
  private static let blocks: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
  private static let columns = 60

  /// A row of blocks for each position where they fit; else the three that it looks at most.
  var lines: [String] {
    let number = String(queries.count - 1).utf8.count
    let fits = keys.count + number + 16 <= Self.columns
    var lines = [name]
    if keys != queries {
      let named = keys.enumerated().map { "\($0.offset) \(Self.cut($0.element, 15))" }.joined(separator: ", ")
      lines += TextColumns.wrapped("columns: " + named, width: Self.columns)
    }
    if fits && keys.count > 10 {
      lines.append(
        keys.indices.map { (place: Int) -> String in place % 10 == 0 ? String(place / 10 % 10) : " " }.joined())
    }
    if fits { lines.append(keys.indices.map { (place: Int) -> String in String(place % 10) }.joined()) }
    for (row, shares) in shares.enumerated() {
      let label = leading(String(row), number) + " " + Self.cut(queries[row], 15)
      if fits {
        // A weight of nothing is a space; every other is visible.
        let largest = shares.max() ?? 1
        lines.append(String(shares.map { Self.block($0, of: largest) }) + " " + label)
      } else {
        let told = Self.largest(shares).map { place in
          "\(place) \(Self.cut(keys[place], 6)) \(fixed(Double(shares[place]) / 10_000, 2))"
        }
        lines.append(label + " → " + told.joined(separator: ", "))
      }
    }
    return lines
  }

  /// An eighth of a block for every eighth of the row's largest share, rounded up.
  private static func block(_ share: Int, of largest: Int) -> Character {
    blocks[min(8, (share * 8 + largest - 1) / max(1, largest))]
  }

  /// The places of the three largest shares, the largest first.
  private static func largest(_ shares: [Int]) -> [Int] {
    let seen: [Int] = shares.indices.filter { shares[$0] > 0 }
    return Array(seen.sorted { a, b in shares[a] == shares[b] ? a < b : shares[a] > shares[b] }.prefix(3))
  }

  /// As many characters as fit into so many columns, wide ones counted twice.
  private static func cut(_ text: String, _ columns: Int) -> String {
    var used = 0, result = ""
    for scalar in text.unicodeScalars {
      let width = TextWidth.columns(scalar)
      if used + width > columns - 1, result.unicodeScalars.count < text.unicodeScalars.count - 1 { return result + "…" }
      if used + width > columns { return result + "…" }
      result.unicodeScalars.append(scalar)
      used += width
    }
    return result
  }
}

/// How many columns of a terminal, or half-widths of a picture, a character takes.
enum TextWidth {
  static func columns(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
      0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }

  static func columns(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + columns($1) } }
}
