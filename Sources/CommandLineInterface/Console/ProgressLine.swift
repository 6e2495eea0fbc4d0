/// A line of a terminal that is written over and over.
struct ProgressLine {
  private var isShown = false

  /// The bytes that show `parts`, joined by commas, in place of what stood there.
  ///
  /// Parts that do not fit are left out from the end on, and never more than one line is used: a line that wraps cannot
  /// be taken back. The last column stays free, as some terminals wrap when it is filled.
  mutating func replaced(by parts: [String], width: Int) -> String {
    var text = ""
    for part in parts {
      let longer = text.isEmpty ? part : text + ", " + part
      if columns(longer) > width - 1 { break }
      text = longer
    }
    if text.isEmpty { text = String((parts.first ?? "").prefix(max(0, width - 1))) }
    isShown = true
    return "\r" + text + "\u{1B}[K"
  }

  /// The bytes that empty the line, if it is there.
  mutating func cleared() -> String {
    if !isShown { return "" }
    isShown = false
    return "\r\u{1B}[K"
  }

  /// Progress is our own text: a column for each scalar.
  private func columns(_ text: String) -> Int { text.unicodeScalars.count }
}
