/// Rows of two: a name and what it is, the names filled up to the longest.
func table(_ rows: [(String, String)]) -> [String] {
  let width = rows.map(\.0.unicodeScalars.count).max() ?? 0
  return rows.map { name, value in
    name + String(repeating: " ", count: width - name.unicodeScalars.count + 2) + value
  }
}

/// A text with blanks in front, so that it ends at a column.
func leading(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - columns(text))) + text
}
