/// Texts side by side, each wrapped in a column of its own.
enum TextColumns {
  /// Narrower columns are no pleasure to read.
  private static let least = 18
  private static let gap = 3

  /// Rows of at most `width` columns: as many texts side by side as have room, the others below them.
  static func rows(_ texts: [(title: String, text: String)], width: Int) -> [String] {
    let beside = max(1, min(texts.count, (width + gap) / (least + gap)))
    let column = max(1, (width - (beside - 1) * gap) / beside)
    var rows: [String] = []
    for start in stride(from: 0, to: texts.count, by: beside) {
      let group = texts[start..<min(start + beside, texts.count)]
      let cells = group.map { [$0.title, String(repeating: "─", count: column)] + wrapped($0.text, width: column) }
      if !rows.isEmpty { rows.append("") }
      for line in 0..<(cells.map(\.count).max() ?? 0) {
        rows.append(joined(cells.map { line < $0.count ? $0[line] : "" }, column))
      }
    }
    return rows
  }

  private static func joined(_ cells: [String], _ column: Int) -> String {
    var row = ""
    var wanted = 0
    for (index, cell) in cells.enumerated() where !cell.isEmpty {
      wanted = index * (column + gap)
      row += String(repeating: " ", count: max(0, wanted - columns(row))) + cell
    }
    return row
  }

  /// Lines of at most `width` columns, broken between words where that is possible; line ends stay.
  static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var row = "", used = 0
      for word in line.split(separator: " ", omittingEmptySubsequences: true) {
        let length = columns(word)
        if used > 0 && used + 1 + length > width {
          lines.append(row)
          (row, used) = ("", 0)
        }
        if used > 0 {
          row += " "
          used += 1
        }
        for scalar in word.unicodeScalars {
          let size = columns(scalar)
          if used + size > width {
            lines.append(row)
            (row, used) = ("", 0)
          }
          row.unicodeScalars.append(scalar)
          used += size
        }
      }
      lines.append(row)
    }
    return lines
  }
}

/// The columns that a terminal takes for a text of one line.
func columns(_ text: some StringProtocol) -> Int { text.unicodeScalars.reduce(0) { $0 + columns($1) } }

/// 0 for marks that stand on the letter before them, 2 for the wide characters of East Asia and pictures, else 1.
func columns(_ scalar: Unicode.Scalar) -> Int {
  if scalar.value < 0x300 { return 1 }
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark, .format: return 0
  default: break
  }
  return wide.contains { $0.contains(scalar.value) } ? 2 : 1
}

/// East Asian Width W and F, by blocks (Unicode Standard Annex 11).
private let wide: [ClosedRange<UInt32>] = [
  0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
  0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD,
]

/// The beginning of a text of one line, with a mark where it was cut.
func shortened(_ text: String, columns most: Int) -> String {
  if columns(text) <= most { return text }
  var result = "", used = 0
  for scalar in text.unicodeScalars {
    if used + columns(scalar) > most - 1 { break }
    result.unicodeScalars.append(scalar)
    used += columns(scalar)
  }
  return result + "…"
}
