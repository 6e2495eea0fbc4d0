internal import MiniGPT

/// Loss curves of several runs for a terminal of 60 columns: a letter for each run's validation, dots for training,
/// lines for n-grams; a star where letters meet.
struct TerminalChart {
  let curves: [TrainingCurve]

  private static let columns = 40
  private static let rows = 16
  private static let letters = Array("abcdefghijklmnopqrstuvwxyz")

  /// The letter of a run.
  static func letter(_ index: Int) -> Character { letters[index % letters.count] }

  func lines() -> [String] {
    let range = ChartRange(curves), columns = Self.columns, rows = Self.rows
    var cells = [[Character]](repeating: [Character](repeating: " ", count: columns), count: rows)
    var notes = [String](repeating: "", count: rows)
    func column(_ step: Int) -> Int { min(columns - 1, step * columns / (range.steps + 1)) }
    func row(_ value: Double) -> Int {
      let place = (range.high - min(max(value, range.low), range.high)) / (range.high - range.low)
      return min(rows - 1, Int(place * Double(rows)))
    }
    for (order, value) in curves.flatMap(\.ascent) where value >= range.low && value <= range.high {
      for c in 0..<columns { cells[row(value)][c] = "─" }
      notes[row(value)] = "\(order)-gram"
    }
    for curve in curves {
      for point in curve.smoothed { cells[row(point.value)][column(point.step)] = "·" }
    }
    for (index, curve) in curves.enumerated() {
      for point in curve.validation {
        let (r, c) = (row(point.value), column(point.step)), own = Self.letter(index), there = cells[r][c]
        cells[r][c] = there == " " || there == "·" || there == "─" || there == own ? own : "*"
      }
    }
    var lines: [String] = []
    for r in 0..<rows {
      // The value in the middle of the row.
      let value = range.high - (Double(r) + 0.5) * (range.high - range.low) / Double(rows)
      let label = r % 3 == 0 ? fixed(value, 2) : ""
      lines.append(leading(label, 6) + " │" + String(cells[r]) + (notes[r].isEmpty ? "" : " " + notes[r]))
    }
    let last = grouped(range.steps)
    lines.append(leading("", 6) + " └" + String(repeating: "─", count: columns))
    lines.append(leading("", 8) + "0" + leading(last, columns - 1))
    return lines.map { line in
      var line = line
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
