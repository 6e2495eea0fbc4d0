/// Shares of a whole as rows of text: the share, its name, and a bar that is as long as the share is large.
enum BarChart {
  /// Rows of at most `width` columns. The largest bar takes all the room there is.
  static func rows(_ bars: [(name: String, share: Double)], width: Int) -> [String] {
    let widest = min(bars.map { columns($0.name) }.max() ?? 0, max(8, width / 2 - 8))
    let room = max(4, width - 9 - widest - 2)
    let largest = bars.map(\.share).filter(\.isFinite).max() ?? 0
    return bars.map { bar in
      let percent = fixed(100 * bar.share, bar.share < 0.000_95 ? 3 : 1) + " %"
      let name = shortened(bar.name, columns: widest)
      let eighths = largest > 0 && bar.share.isFinite ? Int((8 * Double(room) * bar.share / largest).rounded()) : 0
      let row =
        leading(percent, 8) + "  " + name
        + String(repeating: " ", count: widest - columns(name) + 1) + drawn(eighths)
      return String(row.reversed().drop { $0 == " " }.reversed())
    }
  }

  /// Full blocks and a part of one.
  private static func drawn(_ eighths: Int) -> String {
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    return String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
  }
}
