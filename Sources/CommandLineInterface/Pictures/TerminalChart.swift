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

  /// "7-gram", and of several runs "7-gram (ab)"; of several n-grams on a row the best.
  private func note(_ rungs: [(order: Int, runs: String)]) -> String {
    guard let best = rungs.max(by: { $0.order < $1.order }) else { return "" }
    return shortened("\(best.order)-gram" + (curves.count > 1 ? " (\(best.runs))" : ""), columns: 11)
  }

  func lines() -> [String] {
    let range = ChartRange(curves), columns = Self.columns, rows = Self.rows
    var cells = [[Character]](repeating: [Character](repeating: " ", count: columns), count: rows)
    // Which n-gram is a row's line, and whose: not all runs have the same text.
    var notes = [[(order: Int, runs: String)]](repeating: [], count: rows)
    func column(_ step: Int) -> Int { min(columns - 1, step * columns / (range.steps + 1)) }
    func row(_ value: Double) -> Int {
      let place = (range.high - min(max(value, range.low), range.high)) / (range.high - range.low)
      return min(rows - 1, Int(place * Double(rows)))
    }
    for (index, curve) in curves.enumerated() {
      for (order, value) in curve.ascent where value >= range.low && value <= range.high {
        let row = row(value)
        for c in 0..<columns { cells[row][c] = "─" }
        if let there = notes[row].firstIndex(where: { $0.order == order }) {
          notes[row][there].runs.append(Self.letter(index))
        } else {
          notes[row].append((order, String(Self.letter(index))))
        }
      }
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
    var lines = [curves.allSatisfy(\.isBits) ? " bits per byte" : "  loss"]
    for r in 0..<rows {
      // The value in the middle of the row.
      let value = range.high - (Double(r) + 0.5) * (range.high - range.low) / Double(rows)
      let label = r % 3 == 0 ? fixed(value, 2) : ""
      lines.append(leading(label, 6) + " │" + String(cells[r]) + " " + note(notes[r]))
    }
    let last = grouped(range.steps)
    lines.append(leading("", 6) + " └" + String(repeating: "─", count: columns))
    lines.append(leading("", 8) + "0" + leading(last, columns - 1) + " steps")
    let hasRungs = notes.contains { !$0.isEmpty }
    lines.append("letters: held-out text  ·: training text" + (hasRungs ? "  ─: n-grams" : ""))
    return lines.map { line in
      var line = line
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
