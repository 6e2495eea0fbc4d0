internal import MiniGPT

/// Attention maps as a file that opens offline: SVG, or the same in a page of HTML.
///
/// A square for every pair, the stronger the more of it is taken; rows look, columns are looked at. Every row carries its
/// numbers, in ten-thousandths, as `data-shares`: they are the reference's, and sum to 10,000.
struct AttentionFile {
  let picture: AttentionPicture

  private static let cell = 16.0
  private static let gap = 28.0
  /// A title makes a picture as wide as this at most.
  private static let page = 1200.0
  /// Weights below this are not drawn; with hundreds of keys they would be most of the file.
  private static let least = 50

  /// What a browser adds: the row under the pointer.
  private static let style =
    "g.row:hover .hit{fill:#8888;pointer-events:all}.hit{pointer-events:all}text{white-space:pre}"

  func svg() -> String {
    var drawing = SVG(), x = 16.0, y = 56.0, rowHeight = 0.0, width = 640.0, last: String?
    drawing.text(16, 24, picture.title, isHead: true, more: "unicode-bidi=\"isolate\"")
    drawing.text(16, 41, "a row looks at its columns, the stronger the more:", "soft")
    for (index, share) in [100, 1_000, 2_500, 5_000, 10_000].enumerated() {
      let place = 320 + Double(index) * 62
      drawing.add(Self.square(place, 30, share, told: nil))
      drawing.text(place + 20, 41, shortest(Double(share) / 10_000), "soft")
    }
    for map in picture.maps {
      let (mapWidth, mapHeight) = Self.size(map)
      // The heads of a layer share a row.
      if let last, last != map.row {
        x = 16
        y += rowHeight + Self.gap
        rowHeight = 0
      }
      last = map.row
      draw(map, x, y, in: &drawing)
      width = max(width, x + mapWidth + 16)
      rowHeight = max(rowHeight, mapHeight)
      x += mapWidth + Self.gap
    }
    let title = Double(TextWidth.columns(picture.title)) * 7.5 + 32
    return drawing.file(
      width: max(width, min(title, Self.page)), height: y + rowHeight + 16, title: picture.title, style: Self.style)
  }

  func html() -> String {
    let title = SVG.escaped(picture.title)
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width">
      <meta name="color-scheme" content="light dark">
      <title>\(title)</title>
      <style>body{margin:0;overflow:auto}</style>
      </head>
      <body>
      \(svg())</body>
      </html>

      """
  }

  /// Room for the words to the left and above.
  private static func margins(_ map: AttentionPicture.Map) -> (left: Double, top: Double) {
    func longest(_ words: [String]) -> Double {
      Double(min(24, words.map(TextWidth.columns).max() ?? 0)) * 7.2 + 12
    }
    return (longest(map.queries), longest(map.keys) + 22)
  }

  private static func size(_ map: AttentionPicture.Map) -> (width: Double, height: Double) {
    let (left, top) = margins(map)
    return (
      max(left + Double(map.keys.count) * cell, Double(map.name.unicodeScalars.count) * 8),
      top + Double(map.queries.count) * cell
    )
  }

  private func draw(_ map: AttentionPicture.Map, _ x: Double, _ y: Double, in drawing: inout SVG) {
    let (left, top) = Self.margins(map), cell = Self.cell, number = SVG.number
    let width = Double(map.keys.count) * cell
    drawing.add("<g transform=\"translate(\(number(x)) \(number(y)))\">")
    drawing.text(0, 12, map.name, isHead: true)
    for (index, key) in map.keys.enumerated() {
      let place = left + (Double(index) + 0.5) * cell + 4
      drawing.text(
        place, top - 6, Self.shortened(key), more: "transform=\"rotate(-90 \(number(place)) \(number(top - 6)))\"")
    }
    for (row, shares) in map.shares.enumerated() {
      let top = top + Double(row) * cell
      let numbers = shares.map(String.init).joined(separator: " ")
      drawing.add("<g class=\"row\" data-shares=\"\(numbers)\">")
      drawing.add(
        "<rect class=\"hit\" fill=\"none\" x=\"0\" y=\"\(number(top))\" width=\"\(number(left + width))\" height=\"\(number(cell))\"/>"
      )
      drawing.text(left - 6, top + cell - 4, Self.shortened(map.queries[row]), anchor: .end)
      for (column, share) in shares.enumerated() where share >= Self.least {
        let told = "\(map.queries[row]) → \(map.keys[column]): \(fixed(Double(share) / 10_000, 4))"
        drawing.add(Self.square(left + Double(column) * cell, top, share, told: told))
      }
      drawing.add("</g>")
    }
    drawing.add(
      "<rect \(SVG.stroke("grid", classes: "frame")) pointer-events=\"none\" x=\"\(number(left))\" y=\"\(number(top))\" width=\"\(number(width))\""
        + " height=\"\(number(Double(map.queries.count) * cell))\"/>")
    drawing.add("</g>")
  }

  /// The square of a share. Its opacity is the share's root, so that small ones are seen as well.
  private static func square(_ x: Double, _ y: Double, _ share: Int, told: String?) -> String {
    let side = SVG.number(cell - 1), opacity = fixed((Double(share) / 10_000).squareRoot(), 3)
    return
      "<rect \(SVG.fill("heat", classes: "cell")) x=\"\(SVG.number(x))\" y=\"\(SVG.number(y))\" width=\"\(side)\" height=\"\(side)\""
      + " opacity=\"\(opacity)\">" + (told.map { "<title>\(SVG.escaped($0))</title>" } ?? "") + "</rect>"
  }

  private static func shortened(_ word: String) -> String {
    TextWidth.columns(word) <= 24 ? word : String(word.prefix(20)) + "…"
  }
}
